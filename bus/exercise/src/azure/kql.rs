//! As much of Resource Graph's query language as reading needs: `where`, `project` and `order by`. Whatever else a query
//! uses is refused, so that no query passes here that the double did not understand.

use serde_json::{Map, Value};

/// A query that was understood.
pub(super) struct Query {
    /// The table that it reads, in lower case.
    pub(super) table: String,
    steps: Vec<Step>,
}

enum Step {
    Where(Vec<Condition>),
    Project(Vec<(String, Expression)>),
    Order,
    Limit(usize),
}

enum Condition {
    /// Equal in any case to one of these.
    AnyOf(Expression, Vec<String>),
    /// Equal in this very case.
    Exactly(Expression, String),
    Filled(Expression),
}

enum Expression {
    Member(Vec<String>),
    Text(Box<Expression>),
    Lower(Box<Expression>),
}

impl Query {
    /// Reads a query; in the error, the part that was not understood.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let mut parts = split(text, '|').into_iter().map(str::trim);
        let table = parts.next().unwrap_or_default().to_lowercase();
        Ok(Self { table, steps: parts.map(step).collect::<Result<_, _>>()? })
    }

    /// What the query makes of a table.
    pub(super) fn over(&self, rows: Vec<Value>) -> Vec<Value> {
        self.steps.iter().fold(rows, |rows, step| match step {
            Step::Where(conditions) => {
                rows.into_iter().filter(|row| conditions.iter().all(|condition| condition.holds(row))).collect()
            }
            Step::Project(columns) => rows.iter().map(|row| project(row, columns)).collect(),
            Step::Limit(most) => rows.into_iter().take(*most).collect(),
            Step::Order => {
                let mut rows = rows;
                rows.sort_by_key(|row| row["id"].as_str().map(str::to_lowercase));
                rows
            }
        })
    }
}

fn project(row: &Value, columns: &[(String, Expression)]) -> Value {
    let cells = columns.iter().map(|(name, expression)| (name.clone(), expression.of(row)));
    Value::Object(cells.collect::<Map<_, _>>())
}

fn step(text: &str) -> Result<Step, String> {
    if let Some(rest) = text.strip_prefix("where ") {
        return rest.split(" and ").map(condition).collect::<Result<_, _>>().map(Step::Where);
    }
    if let Some(rest) = text.strip_prefix("project ") {
        return split(rest, ',').into_iter().map(column).collect::<Result<_, _>>().map(Step::Project);
    }
    match text.strip_prefix("limit ").map(str::parse) {
        Some(Ok(most)) => Ok(Step::Limit(most)),
        _ if text == "order by id asc" => Ok(Step::Order),
        _ => Err(text.to_owned()),
    }
}

fn condition(text: &str) -> Result<Condition, String> {
    let text = text.trim();
    if let Some((left, right)) = text.split_once(" in~ ") {
        let list =
            right.trim().strip_prefix('(').and_then(|list| list.strip_suffix(')')).ok_or_else(|| text.to_owned())?;
        let words = split(list, ',').into_iter().map(literal).collect::<Result<_, _>>()?;
        return Ok(Condition::AnyOf(scalar(left)?, words));
    }
    if let Some((left, right)) = text.split_once(" =~ ") {
        return Ok(Condition::AnyOf(scalar(left)?, vec![literal(right)?]));
    }
    if let Some((left, right)) = text.split_once(" == ") {
        return Ok(Condition::Exactly(scalar(left)?, literal(right)?));
    }
    let filled = call(text, "isnotempty").ok_or_else(|| text.to_owned())?;
    scalar(filled).map(Condition::Filled)
}

/// As at the original, a member of a bag is not compared before it was made a text.
fn scalar(text: &str) -> Result<Expression, String> {
    match expression(text)? {
        Expression::Member(steps) if steps.len() > 1 => Err(text.to_owned()),
        scalar => Ok(scalar),
    }
}

fn column(text: &str) -> Result<(String, Expression), String> {
    match text.split_once('=') {
        Some((name, rest)) => Ok((name.trim().to_owned(), expression(rest)?)),
        None => {
            let name = text.trim().replace('.', "_");
            Ok((name, expression(text)?))
        }
    }
}

fn expression(text: &str) -> Result<Expression, String> {
    let text = text.trim();
    if let Some(inner) = call(text, "tostring") {
        return expression(inner).map(|inner| Expression::Text(Box::new(inner)));
    }
    if let Some(inner) = call(text, "tolower") {
        return expression(inner).map(|inner| Expression::Lower(Box::new(inner)));
    }
    let dotted = text.replace("['", ".").replace("']", "");
    let steps: Vec<String> = dotted.split('.').map(str::to_owned).collect();
    let name = |step: &String| !step.is_empty() && step.chars().all(|c| c.is_alphanumeric() || c == '_');
    if steps.iter().all(name) { Ok(Expression::Member(steps)) } else { Err(text.to_owned()) }
}

fn call<'a>(text: &'a str, function: &str) -> Option<&'a str> {
    text.strip_prefix(function)?.strip_prefix('(')?.strip_suffix(')')
}

fn literal(text: &str) -> Result<String, String> {
    let quoted = text.trim().strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
    quoted.map(str::to_owned).ok_or_else(|| text.to_owned())
}

/// Splits where the separator stands outside quotes and brackets.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut start, mut quoted, mut depth) = (Vec::new(), 0, false, 0_u32);
    for (at, letter) in text.char_indices() {
        match letter {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth = depth.saturating_sub(1),
            _ if letter == separator && !quoted && depth == 0 => {
                parts.push(text.get(start..at).unwrap_or_default());
                start = at + letter.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(text.get(start..).unwrap_or_default());
    parts
}

impl Condition {
    fn holds(&self, row: &Value) -> bool {
        match self {
            Self::AnyOf(expression, words) => {
                let value = expression.of(row);
                value.as_str().is_some_and(|value| words.iter().any(|word| word.eq_ignore_ascii_case(value)))
            }
            Self::Exactly(expression, word) => expression.of(row).as_str() == Some(word),
            Self::Filled(expression) => match expression.of(row) {
                Value::Null => false,
                Value::String(text) => !text.is_empty(),
                _ => true,
            },
        }
    }
}

impl Expression {
    fn of(&self, row: &Value) -> Value {
        match self {
            Self::Member(steps) => {
                steps.iter().try_fold(row, |value, step| value.get(step)).cloned().unwrap_or(Value::Null)
            }
            Self::Text(inner) => match inner.of(row) {
                Value::Null => Value::String(String::new()),
                Value::String(text) => Value::String(text),
                other => Value::String(other.to_string()),
            },
            Self::Lower(inner) => match inner.of(row) {
                Value::String(text) => Value::String(text.to_lowercase()),
                other => other,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rows_are_chosen_and_shaped_as_the_query_says() {
        let rows = vec![
            json!({"id": "/B", "type": "a/b", "tags": {"who|what": "x", "repair_source": "R/v"}, "properties": {"n": 3}}),
            json!({"id": "/A", "type": "A/B", "tags": null, "properties": {}}),
            json!({"id": "/C", "type": "c"}),
        ];
        let query =
            "resources | where type =~ 'A/b' | order by id asc | project id = tolower(id), n = tostring(properties.n)";
        let found = Query::read(query).unwrap().over(rows.clone());
        assert_eq!(found, [json!({"id": "/a", "n": ""}), json!({"id": "/b", "n": "3"})]);
        let tagged =
            Query::read("resources | where isnotempty(tostring(tags['repair_source'])) and id in~ ('/b', '/c')")
                .unwrap();
        assert_eq!(tagged.over(rows.clone()).len(), 1);
        let exactly = Query::read("resources | where type == 'A/B' | project tags").unwrap();
        assert_eq!(exactly.over(rows), [json!({"tags": null})]);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for query in [
            "resources | summarize count()",
            "resources | where id has 'x'",
            "resources | project a = b + c",
            "resources | where properties.n =~ 'x'",
        ] {
            assert!(Query::read(query).is_err(), "{query}");
        }
    }
}
