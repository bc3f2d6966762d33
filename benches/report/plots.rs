//! Plots of the benches' curves, as SVG for the documents.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;

use plotters::prelude::*;

use super::measures::{Curve, Measures};

/// Width and height in pixels.
const SIZE: (u32, u32) = (720, 400);

/// One colour for each line, told apart by colour-blind people too (Okabe and Ito).
const COLOURS: [RGBColor; 5] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 86, 86),
];

/// Draws every plot into a file of its name, and returns the files' names.
pub(crate) fn write(benches: &[Measures], folder: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let mut plots: BTreeMap<&str, Vec<&Curve>> = BTreeMap::new();
    for curve in benches.iter().flat_map(|bench| &bench.curves) {
        plots.entry(&curve.plot).or_default().push(curve);
    }
    fs::create_dir_all(folder)?;
    let mut names = Vec::new();
    for (plot, curves) in plots {
        let name = format!("{plot}.svg");
        fs::write(folder.join(&name), draw(&curves)?)?;
        names.push(name);
    }
    Ok(names)
}

/// The horizontal axis has a step for each value that was measured, whatever is between them: they
/// are rates and sizes that grow by factors.
fn draw(curves: &[&Curve]) -> Result<String, Box<dyn Error>> {
    let all = || curves.iter().flat_map(|curve| &curve.points);
    let mut steps: Vec<f64> = all().map(|(x, _)| *x).collect();
    steps.sort_by(f64::total_cmp);
    steps.dedup();
    let top = all().map(|(_, y)| *y).fold(0.0, f64::max);
    let digits = match top {
        20.0.. => 0,
        2.0.. => 1,
        _ => 2,
    };
    let first = curves.first().ok_or("a plot without lines")?;
    let last = i32::try_from(steps.len())?;
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .margin(16)
            .x_label_area_size(44)
            .y_label_area_size(76)
            .build_cartesian_2d(-1..last, 0.0..top * 1.1)?;
        let label = |step: &i32| {
            let value = usize::try_from(*step).ok().and_then(|step| steps.get(step));
            value.map(f64::to_string).unwrap_or_default()
        };
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(WHITE)
            .x_desc(&first.x)
            .y_desc(&first.y)
            .x_labels(steps.len() + 2)
            .x_label_formatter(&label)
            .y_label_formatter(&|y| format!("{y:.digits$}"))
            .label_style(("sans-serif", 16))
            .draw()?;
        for (curve, colour) in curves.iter().zip(COLOURS.iter().cycle()) {
            let place = |x: f64| steps.iter().position(|step| step.total_cmp(&x).is_eq());
            let points = curve.points.iter();
            let points: Vec<(i32, f64)> = points
                .filter_map(|(x, y)| Some((i32::try_from(place(*x)?).ok()?, *y)))
                .collect();
            let line =
                LineSeries::new(points.iter().copied(), colour.stroke_width(2)).point_size(3);
            chart
                .draw_series(line)?
                .label(&curve.line)
                .legend(|(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2)));
        }
        chart
            .configure_series_labels()
            .background_style(WHITE)
            .border_style(BLACK.mix(0.2))
            .label_font(("sans-serif", 16))
            .draw()?;
        area.present()?;
    }
    svg.push('\n');
    Ok(svg)
}
