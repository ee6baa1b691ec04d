//! Names of machines, wherever AWS writes them: alone, or at the end of an ARN.

use std::sync::LazyLock;

use regex::Regex;

/// `mi-` is a machine outside of EC2.
static MACHINE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?:^|[/:])((?:i|mi)-[0-9a-f]{8}(?:[0-9a-f]{9})?)$").ok());

/// The machine that a text names; none if it names something else.
pub(crate) fn machine(text: &str) -> Option<String> {
    let found = MACHINE.as_ref()?.captures(text.trim())?;
    found.get(1).map(|id| id.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_named_by_its_id_or_its_arn() {
        assert_eq!(machine("i-a2d74f12").as_deref(), Some("i-a2d74f12"));
        assert_eq!(
            machine("arn:aws:ec2:us-east-1:1:instance/i-00ddbf07ce6372082").as_deref(),
            Some("i-00ddbf07ce6372082")
        );
        assert_eq!(machine(" mi-00ddbf07ce6372082 ").as_deref(), Some("mi-00ddbf07ce6372082"));
        assert_eq!(
            [machine("vol-00ddbf07ce6372082"), machine("i-zz"), machine("i-love-db"), machine("")],
            [(); 4].map(|()| None)
        );
    }
}
