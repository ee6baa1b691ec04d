//! The files that pages load: one sheet, one script, one sprite, the sign of the browser's tab. They are part of the binary.

const FILES: &[(&str, &str, &[u8])] = &[
    ("console.css", "text/css; charset=utf-8", include_bytes!("assets/console.css")),
    ("console.js", "text/javascript; charset=utf-8", include_bytes!("assets/console.js")),
    ("glyphs.svg", "image/svg+xml", include_bytes!("assets/glyphs.svg")),
    ("icon.svg", "image/svg+xml", include_bytes!("assets/icon.svg")),
];

/// Where the sprite is served beside its name: short, since it stands at every glyph, 170 times on a full board.
pub const SPRITE: &str = "/g.svg";

/// The media type and the bytes of a file under `/assets/`.
#[must_use]
pub fn get(name: &str) -> Option<(&'static str, &'static [u8])> {
    FILES.iter().find(|(known, _, _)| *known == name).map(|(_, mime, bytes)| (*mime, *bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::glyph::G;

    fn text(name: &str) -> &'static str {
        std::str::from_utf8(get(name).unwrap().1).unwrap()
    }

    #[test]
    fn sheet_and_script_keep_their_budgets() {
        assert!(text("console.css").len() <= 36 * 1024, "{}", text("console.css").len());
        assert!(text("console.js").len() <= 6 * 1024, "{}", text("console.js").len());
        assert!(get("other.css").is_none());
    }

    #[test]
    fn every_glyph_stands_in_the_sprite() {
        for glyph in G::ALL {
            assert!(text("glyphs.svg").contains(&format!("id=\"{}\"", glyph.id())), "{}", glyph.id());
        }
    }

    #[test]
    fn the_script_makes_markup_only_through_the_policy() {
        let script = text("console.js");
        for forbidden in ["eval(", "new Function", "document.write", "outerHTML", "insertAdjacentHTML", ".style"] {
            assert!(!script.contains(forbidden), "{forbidden}");
        }
        assert_eq!(script.matches("innerHTML").count(), 1);
    }

    /// The rules of a medium: from its name to the end of the block.
    fn medium(name: &str) -> &'static str {
        let (_, rules) = text("console.css").split_once(&format!("@media {name} {{")).unwrap();
        rules.split_once("\n}").unwrap().0
    }

    #[test]
    fn paper_keeps_banner_ceiling_moment_and_what_is_missing() {
        let hidden: Vec<&str> = medium("print").split('}').filter(|rule| rule.contains("display: none")).collect();
        assert_eq!(hidden.len(), 1);
        for kept in [".universe", ".tlp", ".mode", ".clock", ".refused"] {
            assert!(!hidden[0].contains(kept), "{kept}");
        }
        assert!(!text("console.css").contains("@media (max-width: 960px)"), "paper is no phone");
    }

    #[test]
    fn forced_colours_leave_every_state_a_border_of_its_own() {
        let rules = medium("(forced-colors: active)");
        for told in [".is-stale", ".blindcell", ".lane-h.blind", ".lane-h.silent", ".cell.not", "[aria-current]"] {
            assert!(rules.contains(told), "{told}");
        }
    }

    #[test]
    fn words_of_any_length_break_wherever_they_stand() {
        let sheet = text("console.css");
        let rule = |of: &str| sheet.split_once(&format!("\n{of} {{")).unwrap().1.split_once('}').unwrap().0;
        assert!(rule("body").contains("overflow-wrap: anywhere") && rule("table, thead th").contains("break-word"));
        assert!(rule("table :where(bdi, .native, .addr, .mono, th, small)").contains("anywhere"));
    }

    #[test]
    fn escape_closes_the_help_and_a_pause_shows_at_once() {
        let script = text("console.js");
        assert!(script.contains("Escape: () => { id('help').close();") && script.contains("p: () => mode(paused"));
    }
}
