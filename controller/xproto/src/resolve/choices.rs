//! Option `choices`: a Python tuple of pairs.

use crate::limits::MAX_DEPTH;
use crate::model::{Choice, Literal};

/// Reads `(('a', 'A'), (None, 'Nothing'),)`; a tuple may be a list. What is wrong is said in words.
pub(super) fn read(text: &str) -> Result<Vec<Choice>, String> {
    let mut reader = Reader { rest: text, depth: 0 };
    let value = reader.value()?;
    reader.blanks();
    if !reader.rest.is_empty() {
        return Err(format!("something follows its end, `{}`", start(reader.rest)));
    }
    let Value::Tuple(pairs) = value else {
        return Err("it is no tuple".to_owned());
    };
    if pairs.is_empty() {
        return Err("there are none".to_owned());
    }
    let is_list = text.trim_start().starts_with('[') || pairs.len() != 2;
    if is_list && pairs.iter().all(|pair| matches!(pair, Value::One(_))) {
        return Err("each of them is a pair of a value and a label, `('a', 'A')`".to_owned());
    }
    pairs.into_iter().map(choice).collect()
}

/// Returns the choices to write in place of a plain list of values, `['a', 'b']`, each value being its label too.
pub(super) fn of_plain_list(text: &str) -> Option<String> {
    let Ok(Value::Tuple(values)) = (Reader { rest: text, depth: 0 }).value() else {
        return None;
    };
    let pair = |value: &Value| match value {
        Value::One(Literal::Str(text)) if !text.contains(['\'', '"', '\\']) => Some(format!("('{text}', '{text}')")),
        Value::One(Literal::Int(number)) => Some(format!("({number}, '{number}')")),
        _ => None,
    };
    let pairs: Vec<_> = values.iter().map(pair).collect::<Option<_>>()?;
    let comma = if pairs.len() == 1 { "," } else { "" };
    Some(format!("({}{comma})", pairs.join(", "))).filter(|_| !pairs.is_empty())
}

fn choice(value: Value) -> Result<Choice, String> {
    let Value::Tuple(pair) = value else {
        return Err("a single pair needs a comma behind it, `(('a', 'A'),)`".to_owned());
    };
    let length = pair.len();
    match <[Value; 2]>::try_from(pair) {
        Ok([Value::One(value), Value::One(Literal::Str(label))]) => Ok(Choice { value, label }),
        Ok([Value::One(_), _]) => Err("a label is a string".to_owned()),
        Ok(_) => Err("a value is a string, a number or `None`".to_owned()),
        Err(_) => Err(format!("a pair has a value and a label, not {length} parts")),
    }
}

/// What Python makes of a part of the text.
enum Value {
    One(Literal),
    Tuple(Vec<Self>),
}

struct Reader<'a> {
    rest: &'a str,
    depth: usize,
}

impl Reader<'_> {
    fn value(&mut self) -> Result<Value, String> {
        self.blanks();
        match self.rest.chars().next() {
            None => Err("it ends too early".to_owned()),
            Some(open @ ('(' | '[')) => self.tuple(if open == '(' { ')' } else { ']' }),
            Some(quote @ ('\'' | '"')) => self.string(quote).map(Value::One),
            Some('u') if self.rest[1..].starts_with(['\'', '"']) => {
                self.rest = &self.rest[1..];
                self.value()
            }
            Some(_) => self.word().map(Value::One),
        }
    }

    fn tuple(&mut self, close: char) -> Result<Value, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("it nests deeper than {MAX_DEPTH} times"));
        }
        self.rest = &self.rest[1..];
        let mut values = Vec::new();
        let mut comma = false;
        while !self.eat(close) {
            if !values.is_empty() && !comma && !self.rest.is_empty() {
                return Err(format!("expected `,` or `{close}` before `{}`", start(self.rest)));
            }
            values.push(self.value()?);
            comma = self.eat(',');
        }
        self.depth -= 1;
        // In Python, parentheses around one value alone are no tuple.
        if let (&[_], false, ')') = (values.as_slice(), comma, close) {
            return values.pop().ok_or_else(String::new);
        }
        Ok(Value::Tuple(values))
    }

    fn string(&mut self, quote: char) -> Result<Literal, String> {
        let mut text = String::new();
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            if c == quote {
                self.rest = &self.rest[at + 1..];
                return Ok(Literal::Str(text));
            }
            match c {
                '\\' => text.extend(chars.next().map(|(_, escaped)| escaped)),
                c => text.push(c),
            }
        }
        Err(format!("a string is not closed, {}", start(self.rest)))
    }

    fn word(&mut self) -> Result<Literal, String> {
        let ends = |c: char| c.is_whitespace() || "()[],'\"".contains(c);
        let (word, rest) = self.rest.split_at(self.rest.find(ends).unwrap_or(self.rest.len()));
        let literal = match word {
            "None" => Some(Literal::Null),
            "True" => Some(Literal::Bool(true)),
            "False" => Some(Literal::Bool(false)),
            number => number.parse().ok().map(Literal::Int),
        };
        let shown = if word.is_empty() { self.rest } else { word };
        self.rest = rest;
        literal.ok_or_else(|| format!("`{}` is neither a string nor a number nor `None`", start(shown)))
    }

    fn eat(&mut self, c: char) -> bool {
        self.blanks();
        let rest = self.rest.strip_prefix(c);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }
}

/// Returns the beginning of a text, for a message.
fn start(text: &str) -> String {
    text.chars().take(20).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Result<Vec<(Literal, String)>, String> {
        read(text).map(|choices| choices.into_iter().map(|choice| (choice.value, choice.label)).collect())
    }

    fn text(value: &str) -> Literal {
        Literal::Str(value.to_owned())
    }

    #[test]
    fn tuples_of_pairs_are_read_as_python_reads_them() {
        let vm = (text("vm"), "Virtual Machine".to_owned());
        for written in [
            "(('vm', 'Virtual Machine'),)",
            "(('vm', 'Virtual Machine'), )",
            "[('vm', \"Virtual Machine\")]",
            " ( ( 'vm' , u'Virtual Machine' , ) , ) ",
        ] {
            assert_eq!(shown(written), Ok(vec![vm.clone()]), "{written}");
        }
        let both = [(Literal::Null, "None".to_owned()), (Literal::Int(-2), "it's".to_owned())];
        assert_eq!(shown(r"((None, 'None'), (-2, 'it\'s'))"), Ok(both.to_vec()));
    }

    #[test]
    fn a_plain_list_is_written_as_pairs() {
        for (written, instead) in [
            ("['a', 'b']", Some("(('a', 'a'), ('b', 'b'))")),
            ("('a', 2, 'c')", Some("(('a', 'a'), (2, '2'), ('c', 'c'))")),
            ("['a']", Some("(('a', 'a'),)")),
            ("[]", None),
            ("(('a', 'A'))", Some("(('a', 'a'), ('A', 'A'))")),
            ("[('a',)]", None),
            ("['a", None),
        ] {
            assert_eq!(of_plain_list(written).as_deref(), instead, "{written}");
        }
    }

    #[test]
    fn what_is_no_tuple_of_pairs_is_said_in_words() {
        for (written, why) in [
            ("", "it ends too early"),
            ("'a'", "it is no tuple"),
            ("()", "there are none"),
            ("['a']", "each of them is a pair of a value and a label, `('a', 'A')`"),
            ("['a', 'b']", "each of them is a pair of a value and a label, `('a', 'A')`"),
            ("('a', 'b', 3)", "each of them is a pair of a value and a label, `('a', 'A')`"),
            ("(('a', 'A'))", "a single pair needs a comma behind it, `(('a', 'A'),)`"),
            ("('a', 'b')", "a single pair needs a comma behind it, `(('a', 'A'),)`"),
            ("(('a', 'A', 'b'),)", "a pair has a value and a label, not 3 parts"),
            ("((('a',), 'A'),)", "a value is a string, a number or `None`"),
            ("(('a', 1),)", "a label is a string"),
            ("(('a', 'A'),", "it ends too early"),
            ("(('a' 'A'),)", "expected `,` or `)` before `'A'),)`"),
            ("(('a', 'A),)", "a string is not closed, 'A),)"),
            ("((a, 'A'),)", "`a` is neither a string nor a number nor `None`"),
            ("(,)", "`,)` is neither a string nor a number nor `None`"),
            ("(('a', 'A'),) more", "something follows its end, `more`"),
        ] {
            assert_eq!(shown(written), Err(why.to_owned()), "{written}");
        }
        assert_eq!(shown(&"(".repeat(100_000)), Err(format!("it nests deeper than {MAX_DEPTH} times")));
    }
}
