//! Bars as SVG, readable on light and on dark pages.

use std::fmt::Write;

pub struct Bar {
    pub label: String,
    pub value: f64,
    pub ours: bool,
}

const WIDTH: f64 = 760.0;
const LABELS: f64 = 270.0;
const ROW: f64 = 26.0;
const HEAD: f64 = 44.0;
/// Room for the number behind the longest bar.
const NUMBER: f64 = 90.0;

pub fn bars(title: &str, unit: &str, bars: &[Bar]) -> String {
    let longest = bars.iter().map(|bar| bar.value).fold(f64::MIN_POSITIVE, f64::max);
    let height = HEAD + ROW * bars.len() as f64 + 8.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         font-family=\"sans-serif\" font-size=\"13\">\n<title>{title}</title>\n<style>text{{fill:#24292f}}\
         .bar{{fill:#8c959f}}.ours{{fill:#0969da}}@media(prefers-color-scheme:dark){{text{{fill:#e6edf3}}}}</style>\n\
         <text x=\"0\" y=\"18\" font-size=\"15\" font-weight=\"bold\">{title}</text>\n\
         <text x=\"0\" y=\"35\" font-size=\"12\">{unit}</text>\n"
    );
    for (index, Bar { label, value, ours }) in bars.iter().enumerate() {
        let top = HEAD + ROW * index as f64;
        let length = (WIDTH - LABELS - NUMBER) * value / longest;
        let class = if *ours { "ours" } else { "bar" };
        writeln!(
            svg,
            "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\">{label}</text>\
             <rect class=\"{class}\" x=\"{LABELS}\" y=\"{:.0}\" width=\"{length:.1}\" height=\"18\"/>\
             <text x=\"{:.1}\" y=\"{:.0}\">{}</text>",
            LABELS - 8.0,
            top + 14.0,
            top,
            LABELS + length + 6.0,
            top + 14.0,
            number(*value),
        )
        .expect("a string takes it");
    }
    svg + "</svg>\n"
}

/// With three digits that matter, and thousands set apart.
pub fn number(value: f64) -> String {
    if value < 100.0 {
        return format!("{value:.1}");
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
