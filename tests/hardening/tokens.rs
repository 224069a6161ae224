//! What a compiler sees of C and Rust: words, signs and literals, without comments.

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// A name or a keyword.
    Word(String),
    /// A string or a character, whatever is in it.
    Literal,
    /// A number, or a sign.
    Other(String),
}

/// The tokens of C.
pub fn of_c(text: &str) -> Vec<Token> {
    // Lines are joined before anything else is looked at.
    tokens(&text.replace("\\\n", ""), false)
}

/// The tokens of C for a compiler that knows trigraphs, which come even before that.
pub fn of_c_with_trigraphs(text: &str) -> Vec<Token> {
    let pairs = ["=#", "/\\", "'^", "([", ")]", "!|", "<{", ">}", "-~"];
    let text = pairs.iter().fold(text.to_owned(), |text, pair| {
        text.replace(&format!("??{}", &pair[..1]), &pair[1..])
    });
    of_c(&text)
}

/// The tokens of Rust, less the commas that rustfmt puts where an end is on a line of its own.
pub fn of_rust(text: &str) -> Vec<Token> {
    let mut tokens = tokens(text, true);
    let is = |token: &Token, signs: &[&str]| matches!(token, Token::Other(sign) if signs.contains(&&**sign));
    let mut next_closes = false;
    let mut kept: Vec<Token> = Vec::new();
    while let Some(token) = tokens.pop() {
        if next_closes && is(&token, &[","]) {
            continue;
        }
        next_closes = is(&token, &[")", "]", "}"]);
        kept.push(token);
    }
    kept.reverse();
    kept
}

fn tokens(text: &str, is_rust: bool) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    while let Some(c) = rest.chars().next() {
        let length = if c.is_whitespace() {
            c.len_utf8()
        } else if rest.starts_with("//") {
            let length = rest.find('\n').unwrap_or(rest.len());
            // No comment of Rust may have one by itself.
            assert!(
                !rest[..length].contains('\r'),
                "a carriage return in a comment"
            );
            length
        } else if let Some(inside) = rest.strip_prefix("/*") {
            assert!(!is_rust, "we write none in Rust");
            4 + inside.find("*/").expect("the end of a comment")
        } else if c == '"' || c == '\'' && (!is_rust || rest[1..].chars().nth(1) == Some('\'')) {
            tokens.push(Token::Literal);
            literal(rest, c)
        } else if is_word(c) {
            let raw = if rest.starts_with("r#") { 2 } else { 0 };
            let length = rest[raw..]
                .find(|c| !is_word(c))
                .unwrap_or(rest.len() - raw);
            let word = rest[..raw + length].to_owned();
            let is_number = c.is_numeric();
            tokens.push(if is_number {
                Token::Other(word)
            } else {
                Token::Word(word)
            });
            raw + length
        } else {
            tokens.push(Token::Other(c.to_string()));
            c.len_utf8()
        };
        rest = &rest[length..];
    }
    tokens
}

/// How long a literal is that begins here.
fn literal(text: &str, quote: char) -> usize {
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\n' => panic!("a literal that goes on"),
            '\\' => drop(chars.next()),
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    panic!("a literal without an end");
}

#[test]
fn tokens_are_what_a_compiler_sees() {
    let words = |tokens: Vec<Token>| -> String {
        let shown = tokens.into_iter().map(|token| match token {
            Token::Word(text) | Token::Other(text) => text,
            Token::Literal => "LITERAL".to_owned(),
        });
        shown.collect::<Vec<_>>().join(" ")
    };
    let c = "// a \\\nb\nint x; /* \" */ char *s = \"/* \\\" */\"; // ??/\ny";
    assert_eq!(words(of_c(c)), "int x ; char * s = LITERAL ; y");
    assert_eq!(
        words(of_c_with_trigraphs(c)),
        "int x ; char * s = LITERAL ;"
    );
    let rust = "mod r#if { fn f<'a>(c: char, /// doc\n) { f('x', \"//\",); } }";
    assert_eq!(
        words(of_rust(rust)),
        "mod r#if { fn f < ' a > ( c : char ) { f ( LITERAL , LITERAL ) ; } }"
    );
}
