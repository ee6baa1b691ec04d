//! The vocabularies of the bus as values of flags: listed in the help and in shell completions; a word that is misspelt
//! is answered with its nearest neighbour.

/// A parser for the words of a vocabulary of `entente_schemas`.
macro_rules! word {
    ($vocabulary:ty) => {
        clap::builder::TypedValueParser::try_map(
            clap::builder::PossibleValuesParser::new(<$vocabulary>::WORDS.iter().copied()),
            |word: String| word.parse::<$vocabulary>(),
        )
    };
}
pub(crate) use word;

/// The word of `known` that is nearest to `word`, if one is near enough to be meant.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let most = word.chars().count().div_ceil(4).max(1);
    let by_distance = known.into_iter().map(|candidate| (strsim::osa_distance(word, candidate), candidate));
    by_distance.filter(|(distance, _)| *distance <= most).min().map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_offered_only_if_it_may_be_meant() {
        assert_eq!(nearest("prot", ["org", "port", "durable"]), Some("port"));
        assert_eq!(nearest("colour", ["org", "port", "durable"]), None);
    }
}
