//! Glyphs: shapes that carry a state together with its word. One sprite, served as a file, drawn in the colour of the text.

use maud::{Markup, html};

use crate::asset::SPRITE;

/// A shape of the sprite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum G {
    Crit,
    Major,
    Minor,
    Info,
    Restoring,
    Ok,
    Unknown,
    Not,
    Blind,
    Silent,
    Stale,
    Due,
    Dis,
    Gap,
    HeldBack,
    Good,
    Withdrawn,
    Tool,
    Talk,
    Number,
    Lane,
    Cause,
    Link,
    Down,
    Part,
    Slow,
}

impl G {
    #[cfg(test)]
    pub(crate) const ALL: [Self; 26] = [
        Self::Crit,
        Self::Major,
        Self::Minor,
        Self::Info,
        Self::Restoring,
        Self::Ok,
        Self::Unknown,
        Self::Not,
        Self::Blind,
        Self::Silent,
        Self::Stale,
        Self::Due,
        Self::Dis,
        Self::Gap,
        Self::HeldBack,
        Self::Good,
        Self::Withdrawn,
        Self::Tool,
        Self::Talk,
        Self::Number,
        Self::Lane,
        Self::Cause,
        Self::Link,
        Self::Down,
        Self::Part,
        Self::Slow,
    ];

    /// The shape's id in the sprite.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Crit => "crit",
            Self::Major => "major",
            Self::Minor => "minor",
            Self::Info => "info",
            Self::Restoring => "restoring",
            Self::Ok => "ok",
            Self::Unknown => "unk",
            Self::Not => "not",
            Self::Blind => "blind",
            Self::Silent => "silent",
            Self::Stale => "stale",
            Self::Due => "due",
            Self::Dis => "dis",
            Self::Gap => "gap",
            Self::HeldBack => "quar",
            Self::Good => "ver",
            Self::Withdrawn => "wd",
            Self::Tool => "tool",
            Self::Talk => "talk",
            Self::Number => "num",
            Self::Lane => "lane",
            Self::Cause => "cause",
            Self::Link => "link",
            Self::Down => "down",
            Self::Part => "part",
            Self::Slow => "slow",
        }
    }
}

/// A glyph in the colour that `class` gives (`k-crit`, `k-ink`, `flag`, ...). The word stands beside it.
pub(crate) fn glyph(glyph: G, class: &str) -> Markup {
    html! {
        svg class={ "g" @if !class.is_empty() { " " (class) } } aria-hidden="true" { use href={ (SPRITE) "#" (glyph.id()) } {} }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    /// maud escapes every value; its opt-out may stand nowhere in this crate, so that hostile text stays text.
    #[test]
    fn nothing_is_written_unescaped() {
        let word = concat!("Pre", "Escaped");
        let mut seen = 0;
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|end| end == "rs") {
                    seen += 1;
                    assert!(!std::fs::read_to_string(&path).unwrap().contains(word), "{}", path.display());
                }
            }
        }
        assert!(seen > 10);
    }
}
