// SPDX-License-Identifier: MIT OR Apache-2.0
@% for line in header %@
@%- if line.is_empty() %@
//!
@%- else %@
//! @{ line }@
@%- endif %@
@%- endfor %@

use ::devres_gen::sim::Kind;
@% for kind in kinds %@
@%- for line in kind.doc %@
/// @{ line }@
@%- endfor %@
const @{ kind.name }@: Kind<'static> = @{ kind.value }@;
@% endfor %@
@%- for scenario in scenarios %@
@%- for line in scenario.doc %@
/// @{ line }@
@%- endfor %@
mod @{ scenario.name }@ {
@{ scenario.imports }@

    fn scenario(case: &Case<'_>) {
@{ scenario.constants }@@{ scenario.session }@    }
@% for test in scenario.tests %@
    #[test]
    fn @{ test.name }@() {
@%- for line in test.call %@
        @{ line }@
@%- endfor %@
    }
@% endfor %@
@%- if true %@}
@% endif %@
@%- endfor %@
