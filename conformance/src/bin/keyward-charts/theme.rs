//! Colours: one set in the drawing, and a style sheet that exchanges each for its counterpart where the reader's
//! screen is dark.

use plotters::style::RGBColor;

/// A colour on light ground and its counterpart on dark.
#[derive(Clone, Copy)]
pub struct Tone {
    /// What is drawn.
    pub light: RGBColor,
    dark: RGBColor,
}

const fn tone(light: u32, dark: u32) -> Tone {
    Tone { light: rgb(light), dark: rgb(dark) }
}

const fn rgb(hex: u32) -> RGBColor {
    let [_, red, green, blue] = hex.to_be_bytes();
    RGBColor(red, green, blue)
}

/// The ground. The drawing brings its own, since a page may be light where the screen's setting is dark.
pub const GROUND: Tone = tone(0xFFFFFF, 0x0D1117);
/// Titles.
pub const INK: Tone = tone(0x1F2328, 0xE6EDF3);
/// Labels and captions.
pub const MUTED: Tone = tone(0x59636E, 0x9198A1);
/// Lines of the grid.
pub const GRID: Tone = tone(0xDDE3E9, 0x2D333B);
/// The modules' lines, in the order of the reports.
pub const SERIES: [Tone; 4] =
    [tone(0x0969DA, 0x58A6FF), tone(0xBC4C00, 0xF0883E), tone(0x1A7F37, 0x3FB950), tone(0x8250DF, 0xBC8CFF)];

/// The drawing with a name for who cannot see it and the style sheet for dark screens.
pub fn finish(svg: &str, title: &str) -> String {
    let hex = |RGBColor(red, green, blue): RGBColor| format!("#{red:02X}{green:02X}{blue:02X}");
    let rules: String = [GROUND, INK, MUTED, GRID]
        .into_iter()
        .chain(SERIES)
        .map(|tone| {
            let (light, dark) = (hex(tone.light), hex(tone.dark));
            format!("[fill=\"{light}\"]{{fill:{dark}}}[stroke=\"{light}\"]{{stroke:{dark}}}\n")
        })
        .collect();
    let head = format!(
        "<title>{title}</title>\n<style>@media (prefers-color-scheme:dark){{\n{rules}}}</style>\n<rect"
    );
    // The ground is the first thing that is drawn.
    svg.replacen("<rect", &head, 1)
}
