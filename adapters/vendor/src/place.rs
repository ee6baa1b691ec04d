//! Components that are places: some pages list their regions and data centres among their services, by the code that the
//! vendor itself uses.

/// The code of the place that a component's name is: `eu-west-1`, `NYC3`, `IAD1 - Washington DC, USA`,
/// `Hamburg, Germany - (HAM)`. None for a service.
pub(crate) fn place(name: &str) -> Option<&str> {
    let name = name.trim();
    let bracketed = name.strip_suffix(')').and_then(|open| open.rsplit_once("- (")).map(|(_, code)| code);
    let first = name.split(" - ").next().unwrap_or_default();
    [
        bracketed.filter(|code| is_airport(code)),
        Some(first).filter(|code| is_site(code)),
        Some(name).filter(|code| is_region(code)),
    ]
    .into_iter()
    .flatten()
    .next()
}

fn is_airport(code: &str) -> bool {
    code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase())
}

/// An airport and a number.
fn is_site(code: &str) -> bool {
    code.is_ascii() && code.split_at_checked(3).is_some_and(|(city, number)| is_airport(city) && is_number(number))
}

/// Land, direction, number, as most clouds name their regions.
fn is_region(code: &str) -> bool {
    let letters = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
    match code.split('-').collect::<Vec<_>>().as_slice() {
        [land, direction, number] => land.len() == 2 && letters(land) && letters(direction) && is_number(number),
        _ => false,
    }
}

fn is_number(text: &str) -> bool {
    matches!(text.len(), 1 | 2) && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_give_their_code_and_services_none() {
        for (name, code) in [
            ("eu-west-1", "eu-west-1"),
            ("NYC3", "NYC3"),
            ("IAD1 - Washington DC, USA", "IAD1"),
            ("Hamburg, Germany - (HAM)", "HAM"),
        ] {
            assert_eq!(place(name), Some(code));
        }
        for name in
            ["API", "CDN", "SMS, Europe", "Virtual Private Cloud (VPC)", "us-east", "S3", "APM : US", "ÄÖÜ1", ""]
        {
            assert_eq!(place(name), None, "{name}");
        }
    }
}
