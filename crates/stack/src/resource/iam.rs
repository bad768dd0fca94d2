//! What IAM's two taggable resources have in common: tags in IAM's form. It asks AWS nothing.

use aws_sdk_iam::types::Tag;

use crate::error::Error;
use crate::ownership::Tags;

/// Tags as IAM answers them.
pub(crate) fn tags_of(tags: &[Tag]) -> Tags {
    tags.iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect()
}

/// Tags as IAM takes them.
pub(super) fn sdk_tags(tags: &Tags) -> Result<Vec<Tag>, Error> {
    tags.iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect::<Result<_, _>>()
        .map_err(Error::unbuildable)
}
