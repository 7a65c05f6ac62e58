//! A graph over time: axes, lines, bars, dots, and the moments of faults and verdicts.
//!
//! Series are thinned to what the picture can tell apart: of all that falls into one column of pixels, the extremes.
//! Dots, crosses and the names of moments tell more when the pointer is held over them, and lead there.

use std::collections::BTreeMap;

use maud::{Markup, html};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::{
    Cartesian2d, ChartBuilder, ChartContext, IntoDrawingArea, IntoFont, LineSeries, PathElement, SVGBackend,
};
use plotters::style::{Color, RGBColor, TextStyle};
use tickwire_core::Instant;

use super::ink::{Ink, themed};
use super::matter::Matter;
use super::quantity::{seconds, tick};

/// The width of all graphs, in pixels.
pub(super) const WIDTH: u32 = 1_280;
/// Where their time axes begin and end.
pub(super) const LEFT: u32 = 70;
pub(super) const RIGHT: u32 = 14;
/// Of the drawing that is above the axes, for the names of moments.
const TOP: u32 = 18;
const BOTTOM: u32 = 38;

type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// How a series is drawn. Points are (seconds, value).
#[derive(Clone, Debug)]
pub(super) enum Shape {
    /// A line that keeps its value until the next point.
    Steps(Vec<(f64, f64)>),
    /// Upright bars: time, lower and upper end.
    Bars(Vec<(f64, f64, f64)>),
    /// Filled dots.
    Dots(Vec<Point>),
    /// Crosses.
    Crosses(Vec<Point>),
}

/// A frame in a graph.
#[derive(Clone, Debug)]
pub(super) struct Point {
    pub(super) at: f64,
    pub(super) value: f64,
    /// Its number.
    pub(super) frame: u64,
    pub(super) told: String,
}

/// What is drawn with one ink.
#[derive(Clone, Debug)]
pub(super) struct Series {
    pub(super) ink: Ink,
    pub(super) label: &'static str,
    pub(super) shape: Shape,
}

impl Shape {
    fn is_empty(&self) -> bool {
        match self {
            Shape::Steps(points) => points.is_empty(),
            Shape::Dots(points) | Shape::Crosses(points) => points.is_empty(),
            Shape::Bars(bars) => bars.is_empty(),
        }
    }

    fn highest(&self) -> f64 {
        match self {
            Shape::Steps(points) => points.iter().map(|(_, value)| *value).fold(0.0, f64::max),
            Shape::Dots(points) | Shape::Crosses(points) => points.iter().map(|point| point.value).fold(0.0, f64::max),
            Shape::Bars(bars) => bars.iter().map(|(_, _, upper)| *upper).fold(0.0, f64::max),
        }
    }
}

/// A graph.
#[derive(Clone, Debug)]
pub(super) struct Graph<'a> {
    /// Its first and last moment.
    pub(super) span: (Instant, Instant),
    /// What the values are, with their unit.
    pub(super) values: &'static str,
    pub(super) height: u32,
    /// The lowest and the highest value of the axis; from 0 to a bit above the highest one drawn if `None`.
    pub(super) range: Option<(f64, f64)>,
    pub(super) series: Vec<Series>,
    /// Whose moments are marked, and whose frames are led to.
    pub(super) matter: &'a Matter<'a>,
}

impl Graph<'_> {
    /// Ink and label of each series that has something to show.
    pub(super) fn legend(&self) -> Vec<(Ink, &'static str)> {
        let shown = self.series.iter().filter(|series| !series.shape.is_empty());
        shown.map(|series| (series.ink, series.label)).collect()
    }

    /// The drawing, with a name for those who do not see it.
    pub(super) fn svg(&self, name: &str) -> String {
        let mut svg = String::new();
        // Drawing into a String does not fail.
        let over = self.draw(SVGBackend::with_string(&mut svg, (WIDTH, self.height)));
        debug_assert!(over.is_some(), "a graph from {:?}", self.span);
        let over = over.map(|over| over.into_string() + "</svg>").unwrap_or_default();
        let named = html! { svg role="group" aria-label=(name) {} }.into_string();
        let svg = svg.replacen("<svg", named.trim_end_matches("></svg>"), 1);
        let svg = svg.trim_end();
        themed(&format!("{}{over}", svg.strip_suffix("</svg>").unwrap_or(svg)))
    }

    fn times(&self) -> (f64, f64) {
        let (from, to) = (seconds(self.span.0), seconds(self.span.1));
        (from, to.max(from + 1e-6))
    }

    fn range(&self) -> (f64, f64) {
        let highest = || self.series.iter().map(|series| series.shape.highest()).fold(0.0, f64::max) * 1.06;
        let (bottom, top) = self.range.unwrap_or_else(|| (0.0, highest()));
        (bottom, if top > bottom { top } else { bottom + 1.0 })
    }

    /// Draws all but what leads somewhere, which is returned.
    fn draw(&self, backend: SVGBackend<'_>) -> Option<Markup> {
        let area = backend.into_drawing_area();
        let ((from, to), (bottom, top)) = (self.times(), self.range());
        let mut chart = ChartBuilder::on(&area)
            .margin_top(TOP)
            .margin_right(RIGHT)
            .x_label_area_size(BOTTOM)
            .y_label_area_size(LEFT)
            .build_cartesian_2d(from..to, bottom..top)
            .ok()?;
        chart
            .configure_mesh()
            .x_labels(12)
            .y_labels(6)
            .max_light_lines(0)
            .bold_line_style(Ink::Grid.stand_in())
            .axis_style(Ink::Grid.stand_in())
            .label_style(text(16))
            .axis_desc_style(text(16))
            .x_desc("time, s")
            .y_desc(self.values)
            .x_label_formatter(&|value| tick(*value, to - from))
            .y_label_formatter(&|value| tick(*value, top - bottom))
            .draw()
            .ok()?;
        let mut over = vec![self.draw_moments(&mut chart)?];
        for series in &self.series {
            over.extend(self.draw_series(&mut chart, series)?);
        }
        area.present().ok()?;
        Some(html! { @for part in over { (part) } })
    }

    /// Draws a line for each moment; returns their names.
    fn draw_moments(&self, chart: &mut Chart<'_, '_>) -> Option<Markup> {
        let ((from, to), (bottom, top)) = (self.times(), self.range());
        // Names that would overlap are left to the table of faults.
        let (mut free_from, mut names) = (i32::MIN, Vec::new());
        for moment in &self.matter.moments {
            let at = seconds(moment.at);
            if at < from || at > to {
                continue;
            }
            let ink = if moment.is_verdict { Ink::Verdict } else { Ink::Fault };
            let line = PathElement::new(vec![(at, bottom), (at, top)], ink.stand_in().stroke_width(1));
            chart.draw_series(std::iter::once(line)).ok()?;
            let x = chart.backend_coord(&(at, top)).0 - 6;
            if x >= free_from {
                names.push((x, ink, moment));
                free_from = x + 24;
            }
        }
        Some(html! {
            @for (x, ink, moment) in names {
                a href=(moment.target()) {
                    text.moment x=(x) y="14" fill=(ink.var()) {
                        (moment.name)
                        title { (moment.name) ": " (moment.what) " at " (moment.at) " s" }
                    }
                }
            }
        })
    }

    /// Draws a series; what of it leads to frames is returned.
    fn draw_series(&self, chart: &mut Chart<'_, '_>, series: &Series) -> Option<Vec<Markup>> {
        let ink: RGBColor = series.ink.stand_in();
        // At least three pixels tall.
        let (bottom, top) = self.range();
        let least = (top - bottom) / f64::from(self.height) * 3.0;
        let columns = self.columns();
        match &series.shape {
            Shape::Steps(points) => {
                let points = stepped(&thinned(points, &columns), self.times().1);
                // What may run along another line leaves it to be seen.
                let width = if series.ink == Ink::Threshold { 1 } else { 2 };
                chart.draw_series(LineSeries::new(points, ink.stroke_width(width))).ok()?;
            }
            Shape::Bars(bars) => {
                let bars = merged(bars, &columns, least);
                let bar = |(at, low, high): &(f64, f64, f64)| {
                    let high = high.max(low + least);
                    PathElement::new(vec![(*at, *low), (*at, high)], ink.stroke_width(2))
                };
                chart.draw_series(bars.iter().map(bar)).ok()?;
            }
            Shape::Dots(points) | Shape::Crosses(points) => {
                let is_cross = matches!(series.shape, Shape::Crosses(_));
                let points = apart(points, &columns, least);
                let places = points.map(|point| (chart.backend_coord(&(point.at, point.value)), point));
                return Some(places.map(|(place, point)| self.mark(place, point, series.ink, is_cross)).collect());
            }
        }
        Some(Vec::new())
    }

    /// A frame that leads to its row of the ladder, if it has one.
    fn mark(&self, (x, y): (i32, i32), point: &Point, ink: Ink, is_cross: bool) -> Markup {
        let drawn = html! {
            @if is_cross {
                path d=(format!("M{},{}l8,8m0,-8l-8,8", x - 4, y - 4)) stroke=(ink.var()) stroke-width="2" fill="none" {
                    title { (point.told) }
                }
            } @else {
                circle cx=(x) cy=(y) r="3.5" fill=(ink.var()) { title { (point.told) } }
            }
        };
        html! {
            @if self.matter.shown.contains(&point.frame) { a href=(format!("#frame-{}", point.frame)) { (drawn) } }
            @else { (drawn) }
        }
    }

    /// The column of pixels of a time.
    fn columns(&self) -> impl Fn(f64) -> i64 {
        let (from, to) = self.times();
        let width = f64::from(WIDTH - LEFT - RIGHT);
        move |at| ((at - from) / (to - from) * width) as i64
    }
}

fn text(size: u32) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&Ink::Text.stand_in())
}

/// Of the points in each column the first, the lowest, the highest and the last.
fn thinned(points: &[(f64, f64)], column: &impl Fn(f64) -> i64) -> Vec<(f64, f64)> {
    let mut thin = Vec::new();
    for part in points.chunk_by(|a, b| column(a.0) == column(b.0)) {
        let by_value = |a: &&(f64, f64), b: &&(f64, f64)| a.1.total_cmp(&b.1);
        let mut kept: Vec<(f64, f64)> =
            [part.first(), part.iter().min_by(by_value), part.iter().max_by(by_value), part.last()]
                .into_iter()
                .flatten()
                .copied()
                .collect();
        kept.sort_by(|a, b| a.0.total_cmp(&b.0));
        kept.dedup();
        thin.extend(kept);
    }
    thin
}

/// The corners of a line that keeps each value until the next.
fn stepped(points: &[(f64, f64)], end: f64) -> Vec<(f64, f64)> {
    let mut corners: Vec<(f64, f64)> = Vec::with_capacity(points.len() * 2 + 1);
    for point in points {
        if let Some(last) = corners.last().copied() {
            corners.push((point.0, last.1));
        }
        corners.push(*point);
    }
    corners.extend(points.last().map(|last| (end.max(last.0), last.1)));
    corners
}

/// Bars of one column that touch, as one.
fn merged(bars: &[(f64, f64, f64)], column: &impl Fn(f64) -> i64, gap: f64) -> Vec<(f64, f64, f64)> {
    let mut columns: BTreeMap<i64, Vec<(f64, f64, f64)>> = BTreeMap::new();
    for bar in bars {
        columns.entry(column(bar.0)).or_default().push(*bar);
    }
    let mut merged: Vec<(f64, f64, f64)> = Vec::new();
    for (_, mut bars) in columns {
        bars.sort_by(|a, b| a.1.total_cmp(&b.1));
        let first = merged.len();
        for bar in bars {
            match merged[first..].last_mut() {
                Some(last) if bar.1 <= last.2 + gap => last.2 = last.2.max(bar.2),
                _ => merged.push(bar),
            }
        }
    }
    merged
}

/// The points without those that would cover each other.
fn apart<'a>(points: &'a [Point], column: &impl Fn(f64) -> i64, gap: f64) -> impl Iterator<Item = &'a Point> {
    let cells = points.iter().map(|point| ((column(point.at) / 3, (point.value / gap) as i64), point));
    cells.collect::<BTreeMap<_, _>>().into_values()
}
