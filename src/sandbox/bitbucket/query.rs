//! BBQL: `q=` expressions over JSON values, and `sort=` (REST introduction, "Filtering and sorting").

use std::cmp::Ordering;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::errors::ApiError;

/// One parsed expression.
#[derive(Debug, PartialEq)]
pub(crate) enum Expression {
    All(Vec<Expression>),
    Any(Vec<Expression>),
    Compare { field: String, operator: Operator, literals: Vec<Literal> },
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Operator {
    Is,
    IsNot,
    Contains,
    ContainsNot,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    In,
    NotIn,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    Text(String),
    Number(f64),
    Bool(bool),
    Moment(Timestamp),
    Null,
}

impl Expression {
    pub(crate) fn parse(text: &str) -> Result<Self, ApiError> {
        let tokens = tokens(text)?;
        let mut parser = Parser { tokens, at: 0 };
        let expression = parser.any()?;
        match parser.peek() {
            None => Ok(expression),
            Some(token) => Err(invalid(format!("unexpected {token:?}"))),
        }
    }

    pub(crate) fn matches(&self, value: &Value) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.matches(value)),
            Self::Any(parts) => parts.iter().any(|part| part.matches(value)),
            Self::Compare { field, operator, literals } => {
                let found = at(value, field);
                let any = |test: &dyn Fn(&Value, &Literal) -> bool| {
                    found.iter().any(|found| literals.iter().any(|literal| test(found, literal)))
                };
                let ordered = |wanted: &[Ordering]| {
                    any(&|found, literal| {
                        order(found, literal).is_some_and(|order| wanted.contains(&order))
                    })
                };
                match operator {
                    Operator::Is | Operator::In => any(&equal),
                    Operator::IsNot | Operator::NotIn => !any(&equal),
                    Operator::Contains => any(&contains),
                    Operator::ContainsNot => !any(&contains),
                    Operator::Greater => ordered(&[Ordering::Greater]),
                    Operator::GreaterOrEqual => ordered(&[Ordering::Greater, Ordering::Equal]),
                    Operator::Less => ordered(&[Ordering::Less]),
                    Operator::LessOrEqual => ordered(&[Ordering::Less, Ordering::Equal]),
                }
            }
        }
    }

    /// Every field that the expression names.
    pub(crate) fn fields(&self) -> Vec<&str> {
        match self {
            Self::All(parts) | Self::Any(parts) => {
                parts.iter().flat_map(Expression::fields).collect()
            }
            Self::Compare { field, .. } => vec![field],
        }
    }
}

/// Sorts by one dotted field; a leading `-` turns the order round.
pub(crate) fn sort(values: &mut [Value], by: &str) {
    let (field, descending) = match by.strip_prefix('-') {
        Some(field) => (field, true),
        None => (by, false),
    };
    values.sort_by(|left, right| {
        let (left, right) = (at(left, field), at(right, field));
        let order = compare(left.first(), right.first());
        if descending { order.reverse() } else { order }
    });
}

/// What a dotted path leads to; through a list it leads to each item.
fn at<'a>(value: &'a Value, path: &str) -> Vec<&'a Value> {
    let mut found = vec![value];
    for segment in path.split('.') {
        found = found
            .into_iter()
            .flat_map(|value| match value {
                Value::Array(items) => items.iter().collect(),
                other => vec![other],
            })
            .map(|value| value.get(segment).unwrap_or(&Value::Null))
            .collect();
    }
    found
        .into_iter()
        .flat_map(|value| match value {
            Value::Array(items) => items.iter().collect(),
            other => vec![other],
        })
        .collect()
}

fn moment(text: &str) -> Option<Timestamp> {
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(moment);
    }
    let date: Date = text.parse().ok()?;
    TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok()
}

fn equal(found: &Value, literal: &Literal) -> bool {
    match (found, literal) {
        (Value::Null, Literal::Null) => true,
        (Value::Bool(found), Literal::Bool(literal)) => found == literal,
        _ => order(found, literal) == Some(Ordering::Equal),
    }
}

fn contains(found: &Value, literal: &Literal) -> bool {
    match (found, literal) {
        (Value::String(found), Literal::Text(literal)) => {
            found.to_lowercase().contains(&literal.to_lowercase())
        }
        _ => false,
    }
}

fn order(found: &Value, literal: &Literal) -> Option<Ordering> {
    match (found, literal) {
        (Value::Number(found), Literal::Number(literal)) => found.as_f64()?.partial_cmp(literal),
        (Value::String(found), Literal::Moment(literal)) => Some(moment(found)?.cmp(literal)),
        (Value::String(found), Literal::Text(literal)) => match (moment(found), moment(literal)) {
            (Some(found), Some(literal)) => Some(found.cmp(&literal)),
            _ => Some(found.as_str().cmp(literal.as_str())),
        },
        _ => None,
    }
}

fn compare(left: Option<&&Value>, right: Option<&&Value>) -> Ordering {
    match (left, right) {
        (Some(Value::Number(left)), Some(Value::Number(right))) => {
            left.as_f64().partial_cmp(&right.as_f64()).unwrap_or(Ordering::Equal)
        }
        (Some(Value::String(left)), Some(Value::String(right))) => {
            match (moment(left), moment(right)) {
                (Some(left), Some(right)) => left.cmp(&right),
                _ => natural(left, right),
            }
        }
        (Some(Value::Bool(left)), Some(Value::Bool(right))) => left.cmp(right),
        (left, right) => {
            let missing = |value: Option<&&Value>| value.is_none_or(|value| value.is_null());
            missing(right).cmp(&missing(left))
        }
    }
}

/// Numbers inside names count as numbers: `release-9` stands before `release-10`.
fn natural(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left.chars().peekable(), right.chars().peekable());
    loop {
        let (Some(&one), Some(&other)) = (left.peek(), right.peek()) else {
            return left.peek().is_some().cmp(&right.peek().is_some());
        };
        let order = if one.is_ascii_digit() && other.is_ascii_digit() {
            number(&mut left).cmp(&number(&mut right))
        } else {
            left.next();
            right.next();
            one.cmp(&other)
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

fn number(characters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> u128 {
    let mut number = 0_u128;
    while let Some(digit) = characters.peek().and_then(|character| character.to_digit(10)) {
        number = number.saturating_mul(10).saturating_add(u128::from(digit));
        characters.next();
    }
    number
}

fn invalid(detail: impl Into<String>) -> ApiError {
    ApiError::bad_request("Invalid query expression").with("detail", Value::String(detail.into()))
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Open,
    Close,
    Comma,
    Symbol(Operator),
    Text(String),
    Word(String),
}

fn tokens(text: &str) -> Result<Vec<Token>, ApiError> {
    let mut tokens = Vec::new();
    let mut characters = text.chars().peekable();
    while let Some(&character) = characters.peek() {
        match character {
            ' ' | '\t' | '\n' | '\r' => {
                characters.next();
            }
            '(' | ')' | ',' => {
                characters.next();
                tokens.push(match character {
                    '(' => Token::Open,
                    ')' => Token::Close,
                    _ => Token::Comma,
                });
            }
            '=' | '~' | '!' | '<' | '>' => {
                characters.next();
                let second = characters.peek().copied();
                let (operator, long) = match (character, second) {
                    ('=', _) => (Operator::Is, false),
                    ('~', _) => (Operator::Contains, false),
                    ('!', Some('=')) => (Operator::IsNot, true),
                    ('!', Some('~')) => (Operator::ContainsNot, true),
                    ('<', Some('=')) => (Operator::LessOrEqual, true),
                    ('>', Some('=')) => (Operator::GreaterOrEqual, true),
                    ('<', _) => (Operator::Less, false),
                    ('>', _) => (Operator::Greater, false),
                    _ => return Err(invalid("`!` must be followed by `=` or `~`")),
                };
                if long {
                    characters.next();
                }
                tokens.push(Token::Symbol(operator));
            }
            '"' => {
                characters.next();
                let mut quoted = String::new();
                loop {
                    match characters.next() {
                        Some('"') => break,
                        Some('\\') => quoted.extend(characters.next()),
                        Some(character) => quoted.push(character),
                        None => return Err(invalid("a string is not closed")),
                    }
                }
                tokens.push(Token::Text(quoted));
            }
            character if character.is_alphanumeric() || "_-+".contains(character) => {
                let mut word = String::new();
                while let Some(&character) = characters.peek() {
                    if !(character.is_alphanumeric() || "_-+.:".contains(character)) {
                        break;
                    }
                    word.push(character);
                    characters.next();
                }
                tokens.push(Token::Word(word));
            }
            other => return Err(invalid(format!("unexpected `{other}`"))),
        }
    }
    Ok(tokens)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Result<Token, ApiError> {
        let token = self.peek().cloned().ok_or_else(|| invalid("unexpected end"))?;
        self.at += 1;
        Ok(token)
    }

    fn keyword(&mut self, keyword: &str) -> bool {
        let found =
            matches!(self.peek(), Some(Token::Word(word)) if word.eq_ignore_ascii_case(keyword));
        self.at += usize::from(found);
        found
    }

    fn any(&mut self) -> Result<Expression, ApiError> {
        let first = self.all()?;
        let mut parts = vec![first];
        while self.keyword("or") {
            parts.push(self.all()?);
        }
        Ok(Expression::Any(parts))
    }

    fn all(&mut self) -> Result<Expression, ApiError> {
        let first = self.one()?;
        let mut parts = vec![first];
        while self.keyword("and") {
            parts.push(self.one()?);
        }
        Ok(Expression::All(parts))
    }

    fn one(&mut self) -> Result<Expression, ApiError> {
        match self.next()? {
            Token::Open => {
                let inner = self.any()?;
                match self.next()? {
                    Token::Close => Ok(inner),
                    token => Err(invalid(format!("expected `)`, found {token:?}"))),
                }
            }
            Token::Word(field) => self.comparison(field),
            token => Err(invalid(format!("expected a field, found {token:?}"))),
        }
    }

    fn comparison(&mut self, field: String) -> Result<Expression, ApiError> {
        let negated = self.keyword("not");
        if self.keyword("in") {
            let operator = if negated { Operator::NotIn } else { Operator::In };
            return Ok(Expression::Compare { field, operator, literals: self.list()? });
        }
        match self.next()? {
            Token::Symbol(operator) if !negated => {
                let literals = vec![self.literal()?];
                Ok(Expression::Compare { field, operator, literals })
            }
            token => Err(invalid(format!("expected an operator, found {token:?}"))),
        }
    }

    fn list(&mut self) -> Result<Vec<Literal>, ApiError> {
        if self.next()? != Token::Open {
            return Err(invalid("`IN` takes a list in parentheses"));
        }
        let mut literals = vec![self.literal()?];
        loop {
            match self.next()? {
                Token::Comma => literals.push(self.literal()?),
                Token::Close => return Ok(literals),
                token => return Err(invalid(format!("expected `,` or `)`, found {token:?}"))),
            }
        }
    }

    fn literal(&mut self) -> Result<Literal, ApiError> {
        match self.next()? {
            Token::Text(text) => Ok(Literal::Text(text)),
            Token::Word(word) => match word.to_ascii_lowercase().as_str() {
                "null" => Ok(Literal::Null),
                "true" => Ok(Literal::Bool(true)),
                "false" => Ok(Literal::Bool(false)),
                _ => match (word.parse::<f64>(), moment(&word)) {
                    (Ok(number), _) => Ok(Literal::Number(number)),
                    (_, Some(moment)) => Ok(Literal::Moment(moment)),
                    _ => Err(invalid(format!("`{word}` is not a value; strings are quoted"))),
                },
            },
            token => Err(invalid(format!("expected a value, found {token:?}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Expression, sort};

    fn sample() -> Value {
        json!({
            "id": 42,
            "title": "Round the \"checkout\" totals",
            "draft": false,
            "state": "OPEN",
            "merge_commit": null,
            "updated_on": "2026-11-20T09:41:00.123456+00:00",
            "source": { "branch": { "name": "feature/checkout-rounding" } },
            "reviewers": [{ "uuid": "{a}" }, { "uuid": "{b}" }],
        })
    }

    #[test]
    fn every_operator_decides_as_documented() {
        let table = [
            (r#"state = "OPEN""#, true),
            (r#"state != "OPEN""#, false),
            (r#"title ~ "ROUND""#, true),
            (r#"title !~ "round""#, false),
            (r#"title ~ "the \"checkout\"""#, true),
            ("id > 41 AND id >= 42 AND id < 43 AND id <= 42", true),
            ("id > 42", false),
            ("draft = false", true),
            ("merge_commit = null", true),
            ("merge_commit != null", false),
            ("missing = null", true),
            ("updated_on > 2026-11-20", true),
            ("updated_on >= 2026-11-20T10:00:00+00:00", false),
            ("updated_on < 2026-11-20T10:00:00+00:00", true),
            (r#"updated_on > "2026-11-19T00:00:00Z""#, true),
            (r#"state IN ("MERGED", "OPEN")"#, true),
            (r#"state NOT IN ("MERGED", "OPEN")"#, false),
            (r#"reviewers.uuid = "{b}""#, true),
            (r#"reviewers.uuid != "{b}""#, false),
            (r#"reviewers.uuid = "{c}""#, false),
            (r#"source.branch.name="feature/checkout-rounding""#, true),
            (r#"state="MERGED" AND id=42 OR title~"round""#, true),
            (r#"state="MERGED" AND (id=42 OR title~"round")"#, false),
            (r#"state="open""#, false),
        ];
        for (query, expected) in table {
            let expression = Expression::parse(query).unwrap();
            assert_eq!(expression.matches(&sample()), expected, "{query}");
        }
    }

    #[test]
    fn broken_expressions_are_refused() {
        for query in [
            "",
            "state",
            "state =",
            "state = OPEN",
            r#"state = "OPEN"#,
            "(id = 1",
            "id ! 1",
            "= 1",
            "id = 1 id = 2",
        ] {
            assert!(Expression::parse(query).is_err(), "{query}");
        }
    }

    #[test]
    fn sorts_numbers_in_names_as_numbers() {
        let mut values = vec![json!({"n": "v10"}), json!({"n": "v9"}), json!({"n": "v1"})];
        sort(&mut values, "n");
        assert_eq!(values, [json!({"n": "v1"}), json!({"n": "v9"}), json!({"n": "v10"})]);
        sort(&mut values, "-n");
        assert_eq!(values, [json!({"n": "v10"}), json!({"n": "v9"}), json!({"n": "v1"})]);
    }
}
