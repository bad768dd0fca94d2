//! JSON read token by token, so that a refusal can say how far SNS had read. Knows no filter policy.
//!
//! SNS reads ahead by a little: behind a field's name it already stands in the value, and of a text it has read only the
//! opening quote until it looks at the text. The columns in its messages follow from that.

use serde_json::Value;

/// One token.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    StartObject,
    EndObject,
    StartArray,
    EndArray,
    /// The name of a field.
    Name(String),
    Text(String),
    /// A number, true, false or null.
    Literal(Value),
    End,
}

impl Token {
    /// The token as SNS puts it into a message.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::StartObject => "{".into(),
            Self::EndObject => "}".into(),
            Self::StartArray => "[".into(),
            Self::EndArray => "]".into(),
            Self::Name(text) | Self::Text(text) => text.clone(),
            Self::Literal(value) => value.to_string(),
            Self::End => String::new(),
        }
    }
}

/// The text of a JSON document without what stands between its tokens, and a place in it.
#[derive(Debug)]
pub(super) struct Scanner {
    pub(super) source: String,
    /// Each token with the columns at which SNS stands having met it, and having looked at it.
    tokens: Vec<(Token, usize, usize)>,
    next: usize,
}

impl Scanner {
    /// Takes a document apart. It must be valid JSON.
    pub(super) fn new(text: &str) -> Self {
        let (source, tokens) = (String::new(), Vec::new());
        let mut scanner = Self { source, tokens, next: 0 };
        let bytes = text.as_bytes();
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            let column = scanner.source.chars().count() + 1;
            let end = match byte {
                b' ' | b'\t' | b'\r' | b'\n' => {
                    at += 1;
                    continue;
                }
                b'"' => end_of_text(bytes, at),
                b'{' | b'}' | b'[' | b']' | b':' | b',' => at + 1,
                _ => at + bytes[at..].iter().take_while(|byte| !b" \t\r\n,:[]{}\"".contains(byte)).count(),
            };
            let piece = text.get(at..end).unwrap_or_default();
            let whole = column + piece.chars().count();
            match *byte {
                b'{' => scanner.tokens.push((Token::StartObject, whole, whole)),
                b'}' => scanner.tokens.push((Token::EndObject, whole, whole)),
                b'[' => scanner.tokens.push((Token::StartArray, whole, whole)),
                b']' => scanner.tokens.push((Token::EndArray, whole, whole)),
                b':' => {
                    if let Some((token, ..)) = scanner.tokens.last_mut()
                        && let Token::Text(name) = token
                    {
                        *token = Token::Name(std::mem::take(name));
                    }
                }
                b',' => {}
                b'"' => {
                    let value = serde_json::from_str(piece).unwrap_or_default();
                    scanner.tokens.push((Token::Text(value), column + 1, whole));
                }
                _ => {
                    let value = serde_json::from_str(piece).unwrap_or_default();
                    scanner.tokens.push((Token::Literal(value), whole, whole));
                }
            }
            scanner.source.push_str(piece);
            at = end;
        }
        // Behind a name SNS stands in the value.
        for index in 1..scanner.tokens.len() {
            if let (Token::Name(_), _, _) = scanner.tokens[index - 1] {
                let ahead = scanner.tokens[index].1;
                (scanner.tokens[index - 1].1, scanner.tokens[index - 1].2) = (ahead, ahead);
            }
        }
        scanner
    }

    /// Goes on by one token.
    pub(super) fn advance(&mut self) -> Token {
        let token = self.peek();
        self.next += 1;
        token
    }

    /// The token to come.
    pub(super) fn peek(&self) -> Token {
        self.tokens.get(self.next).map_or(Token::End, |(token, ..)| token.clone())
    }

    /// A refusal at the last token, which was met.
    pub(super) fn met(&self, reason: &str) -> String {
        self.refusal(reason, self.last().1)
    }

    /// A refusal at the last token, which was looked at.
    pub(super) fn read(&self, reason: &str) -> String {
        self.refusal(reason, self.last().2)
    }

    fn last(&self) -> (Token, usize, usize) {
        let last = self.next.checked_sub(1).and_then(|index| self.tokens.get(index));
        last.cloned().unwrap_or((Token::End, 1, 1))
    }

    fn refusal(&self, reason: &str, column: usize) -> String {
        format!("{reason}\n at [Source: (String)\"{}\"; line: 1, column: {column}]", self.source)
    }
}

/// Where the text ends that begins there.
fn end_of_text(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}
