//! A setting as the text of an environment variable.
//!
//! Owns the form: words and numbers as they are, lists of numbers with commas, anything else as JSON. It must not know
//! which settings there are.

use serde::de::value::{Error, SeqDeserializer, StrDeserializer};
use serde::de::{Deserialize, Deserializer, Error as _, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::Value;

/// Writes a value; `None` for one that is not set.
pub(crate) fn write(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Array(items) if items.iter().all(Value::is_number) => {
            Some(items.iter().map(ToString::to_string).collect::<Vec<_>>().join(","))
        }
        value => Some(value.to_string()),
    }
}

/// Reads a value. The error says what is wrong with the text.
pub(crate) fn read<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, String> {
    T::deserialize(Text(text)).map_err(|error| error.to_string())
}

#[derive(Clone, Copy)]
struct Text<'de>(&'de str);

impl<'de> Text<'de> {
    fn number<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0.parse::<u32>() {
            Ok(number) => visitor.visit_u32(number),
            Err(_) => Err(Error::custom(format_args!("{:?} is not a whole number", self.0))),
        }
    }
}

impl<'de> IntoDeserializer<'de> for Text<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Text<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_str(self.0)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0.parse() {
            Ok(value) => visitor.visit_bool(value),
            Err(_) => Err(Error::custom(format_args!("{:?} is not true or false", self.0))),
        }
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.number(visitor)
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.number(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.0.starts_with('[') {
            let mut json = serde_json::Deserializer::from_str(self.0);
            let value = (&mut json).deserialize_seq(visitor).map_err(Error::custom)?;
            return json.end().map(|()| value).map_err(Error::custom);
        }
        let parts = self.0.split(',').map(|part| Text(part.trim())).filter(|_| !self.0.is_empty());
        visitor.visit_seq(SeqDeserializer::new(parts))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        words: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if !words.contains(&self.0) {
            return Err(Error::custom(format_args!("{:?} is not one of {}", self.0, words.join(", "))));
        }
        let word: StrDeserializer<'_, Error> = self.0.into_deserializer();
        visitor.visit_enum(word)
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i128 u8 u16 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct newtype_struct tuple
        tuple_struct map struct identifier ignored_any
    }
}
