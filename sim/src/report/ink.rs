//! Colors by what they mean. Graphs are drawn with stand-ins, which become variables of the page's style sheet.

use plotters::style::RGBColor;

/// What a color stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Ink {
    Text,
    Grid,
    Sent,
    Again,
    Lost,
    Ack,
    Sack,
    Window,
    Threshold,
    Flight,
    Fault,
    Verdict,
}

impl Ink {
    const ALL: [Ink; 12] = [
        Ink::Text,
        Ink::Grid,
        Ink::Sent,
        Ink::Again,
        Ink::Lost,
        Ink::Ack,
        Ink::Sack,
        Ink::Window,
        Ink::Threshold,
        Ink::Flight,
        Ink::Fault,
        Ink::Verdict,
    ];

    /// Its name in the style sheet.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Ink::Text => "text",
            Ink::Grid => "grid",
            Ink::Sent => "sent",
            Ink::Again => "again",
            Ink::Lost => "lost",
            Ink::Ack => "ack",
            Ink::Sack => "sack",
            Ink::Window => "window",
            Ink::Threshold => "threshold",
            Ink::Flight => "flight",
            Ink::Fault => "fault",
            Ink::Verdict => "verdict",
        }
    }

    /// It, as an attribute.
    pub(super) fn var(self) -> String {
        format!("var(--{})", self.name())
    }

    /// The color that stands for it until [`themed`].
    pub(super) const fn stand_in(self) -> RGBColor {
        RGBColor(0xF1, 0xA5, self as u8)
    }
}

/// The drawing with the style sheet's colors in place of the stand-ins.
pub(super) fn themed(svg: &str) -> String {
    Ink::ALL.iter().fold(svg.to_owned(), |svg, ink| {
        let RGBColor(red, green, blue) = ink.stand_in();
        svg.replace(&format!("#{red:02X}{green:02X}{blue:02X}"), &ink.var())
    })
}
