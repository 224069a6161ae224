//! The entries of a driver's table, one for each device that it is for: what a kind's `match` says
//! of one is said of each.

const PLACEHOLDER: &str = "$device";
/// Columns of a line, less the tab before it.
const WIDTH: usize = 92;

/// A line with an entry of a table: what stands before it, the entry, and what stands behind it, which
/// is another one. It is all that is in braces around `$device`, or that alone, and the only one of its
/// line.
fn entry(line: &str) -> Option<[&str; 3]> {
    let at = line.find(PLACEHOLDER)?;
    let end = at + PLACEHOLDER.len();
    let in_braces = || {
        let (open, close) = (line[..at].rfind('{')?, end + line[end..].find('}')? + 1);
        let one = &line[open..close];
        let is_next = next(&line[close..])?.starts_with('{');
        (is_next && one.matches(['{', '}']).count() == 2).then_some((open, close))
    };
    let alone = || next(&line[end..]).map(|_| (at, end));
    let (from, to) = in_braces().or_else(alone)?;
    let [before, one, behind] = [&line[..from], &line[from..to], &line[to..]];
    let begins = before.trim_end().is_empty() || before.trim_end().ends_with('{');
    (begins && !behind.contains(PLACEHOLDER)).then_some([before, one, behind])
}

/// What comes behind a comma.
fn next(behind: &str) -> Option<&str> {
    let next = behind.trim_start().strip_prefix(',')?.trim_start();
    (!next.is_empty()).then_some(next)
}

/// Whether `match` has room for more than one device.
pub(crate) fn have_room<'l>(lines: impl Iterator<Item = &'l str>) -> bool {
    let mut lines = lines.filter(|line| line.contains(PLACEHOLDER));
    lines.all(|line| entry(line).is_some())
}

/// A line of `match` for these devices, as C says their names: in one line where that has room,
/// else an entry on each.
pub(super) fn line_for(line: &str, devices: &[String]) -> Vec<String> {
    let Some([before, one, behind]) = entry(line).filter(|_| devices.len() > 1) else {
        let device = devices.first().map_or("", String::as_str);
        return vec![line.replace(PLACEHOLDER, device)];
    };
    let entries: Vec<String> = devices
        .iter()
        .map(|device| one.replace(PLACEHOLDER, device))
        .collect();
    let joined = format!("{before}{}{behind}", entries.join(", "));
    let tabs = joined.bytes().take_while(|&byte| byte == b'\t').count();
    if joined.len() + 7 * tabs <= WIDTH {
        return vec![joined];
    }
    let indent = &joined[..tabs];
    let (indent, head) = match before.trim() {
        "" => (indent.to_owned(), None),
        _ => (format!("{indent}\t"), Some(before.trim_end().to_owned())),
    };
    // The last entry is the table's end, and what closes it stands alone where what opens it does.
    let behind = behind.trim_start_matches([',', ' ']);
    let (last, close) = match head.as_ref().and_then(|_| behind.rsplit_once(" }")) {
        Some((last, close)) => (last, Some(format!("{}}}{close}", &joined[..tabs]))),
        None => (behind, None),
    };
    let rows = entries.iter().map(|entry| format!("{indent}{entry},"));
    let rows = head.into_iter().chain(rows);
    rows.chain([format!("{indent}{last}")])
        .chain(close)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLATFORM: &str = ".id_table = (const struct platform_device_id[]) { { $device }, { } },";
    const NAMES: &str = ".devices = (const char *const []) { $device, NULL },";
    const PCI: &str = "\t{ .driver_data = (kernel_ulong_t)$device }, { }";

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| format!("\"{name}\"")).collect()
    }

    #[test]
    fn an_entry_is_there_for_each() {
        let two = names(&["a", "b"]);
        let lines = |line| line_for(line, &two).join("\n");
        assert_eq!(
            lines(PLATFORM),
            ".id_table = (const struct platform_device_id[]) { { \"a\" }, { \"b\" }, { } },"
        );
        assert_eq!(
            lines(NAMES),
            ".devices = (const char *const []) { \"a\", \"b\", NULL },"
        );
        assert_eq!(
            lines(PCI),
            "\t{ .driver_data = (kernel_ulong_t)\"a\" }, \
             { .driver_data = (kernel_ulong_t)\"b\" }, { }"
        );
        assert_eq!(lines("},"), "},");
    }

    #[test]
    fn one_alone_stands_as_the_kind_says_it() {
        for line in [PLATFORM, NAMES, PCI, ".device = $device,"] {
            let one = line_for(line, &names(&["a"]));
            assert_eq!(one, [line.replace("$device", "\"a\"")]);
        }
    }

    #[test]
    fn long_tables_have_a_line_for_each() {
        let long = names(&["devres-one", "devres-another", "devres-third"]);
        assert_eq!(
            line_for(PLATFORM, &long),
            [
                ".id_table = (const struct platform_device_id[]) {",
                "\t{ \"devres-one\" },",
                "\t{ \"devres-another\" },",
                "\t{ \"devres-third\" },",
                "\t{ }",
                "},"
            ]
        );
        let many: Vec<String> = (0..4).map(|_| long[1].clone()).collect();
        assert_eq!(
            line_for(NAMES, &[&many[..], &long[..]].concat())[5..],
            [
                "\t\"devres-one\",",
                "\t\"devres-another\",",
                "\t\"devres-third\",",
                "\tNULL",
                "},"
            ]
        );
        assert_eq!(
            line_for(PCI, &long)[2..],
            [
                "\t{ .driver_data = (kernel_ulong_t)\"devres-third\" },",
                "\t{ }"
            ]
        );
    }

    #[test]
    fn who_names_one_device_has_no_room_for_another() {
        assert!(have_room([PLATFORM, "},"].into_iter()));
        assert!(have_room([NAMES].into_iter()));
        assert!(!have_room([".device = $device,"].into_iter()));
        assert!(have_room(
            [".names = (const char *[]) {$device,NULL},"].into_iter()
        ));
        for other in [
            ".ids = &(struct id) { $device },",
            ".ids = (struct id[]) { { $device, 0 }, { $device, 1 }, { } },",
            ".names = (const char *[]) { \"x-\" $device, NULL },",
            ".names = (const char *[]) { (char *)$device, NULL },",
            ".names = (const char *[]) { [0] = $device, [1] = NULL },",
            ".a = $device, .b = NULL,",
            ".names = TABLE($device, 3),",
            ".ids = (struct id[]) { [0] = { $device }, { } },",
        ] {
            assert!(!have_room([other].into_iter()), "{other}");
        }
    }
}
