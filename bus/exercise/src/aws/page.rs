//! Pages of a list: as many elements as were asked for, and a token that names where the next page begins.

use serde_json::Value;

use super::reply::Refusal;

/// One page.
pub(super) struct Page<T> {
    /// Its elements.
    pub(super) items: Vec<T>,
    /// Where the next one begins.
    pub(super) next: Option<String>,
}

/// How large a page may be, and under which name its size is asked for.
pub(super) struct Size {
    /// The member that holds the size.
    pub(super) member: &'static str,
    /// The member that holds the token.
    pub(super) token: &'static str,
    /// The smallest and the greatest size.
    pub(super) bounds: (u64, u64),
    /// The size where none is asked for.
    pub(super) unasked: u64,
}

/// The page of `all` that `input` asks for.
pub(super) fn page<T>(all: Vec<T>, input: &Value, size: &Size) -> Result<Page<T>, Refusal> {
    let asked = input.get(size.member).and_then(Value::as_u64);
    let (least, most) = size.bounds;
    if asked.is_some_and(|asked| asked < least || asked > most) {
        return Err(Refusal::invalid(format!("Value for parameter {} must be {least} to {most}.", size.member)));
    }
    let length = usize::try_from(asked.unwrap_or(size.unasked)).unwrap_or(usize::MAX);
    let start = start(input, size)?;
    let total = all.len();
    let items: Vec<T> = all.into_iter().skip(start).take(length).collect();
    let end = start + items.len();
    Ok(Page { items, next: (end < total).then(|| format!("page-{end:08}")) })
}

fn start(input: &Value, size: &Size) -> Result<usize, Refusal> {
    match input.get(size.token).and_then(Value::as_str) {
        None => Ok(0),
        Some(token) => token
            .strip_prefix("page-")
            .and_then(|start| start.parse().ok())
            .ok_or_else(|| Refusal::new(400, "InvalidNextToken", "The token is not valid.")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn pages_follow_each_other_to_the_end() {
        let size = Size { member: "MaxResults", token: "NextToken", bounds: (2, 5), unasked: 3 };
        let (mut seen, mut input) = (Vec::new(), json!({ "MaxResults": 2 }));
        loop {
            let page = page((0..5).collect(), &input, &size).unwrap();
            seen.extend(page.items);
            let Some(next) = page.next else { break };
            input["NextToken"] = json!(next);
        }
        assert_eq!(seen, [0, 1, 2, 3, 4]);
        for wrong in [json!({ "MaxResults": 1 }), json!({ "MaxResults": 6 }), json!({ "NextToken": "x" })] {
            assert!(page(vec![0], &wrong, &size).is_err(), "{wrong}");
        }
    }
}
