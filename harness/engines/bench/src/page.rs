//! The tables as one HTML page that needs no network: for each table a plot as inline SVG, with a
//! logarithmic axis, the median of each engine as a dot and its spread as a line, and the figures.

use std::fmt::Write as _;

use crate::table::{Figure, Results};

/// The colours of columns; they differ for the colour-blind too (Okabe and Ito, with darker forms).
const COLOURS: &[&str] = &[
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#7a4fa3",
    "#8c564b", "#5f9e00", "#b2182b", "#666666",
];

const STYLE: &str = "body{font:14px/1.4 system-ui,sans-serif;margin:2em auto;max-width:1100px;\
color:#222;background:#fff}table{border-collapse:collapse;font-size:12px}\
td,th{padding:2px 8px;text-align:right;border-bottom:1px solid #ddd;white-space:nowrap}\
td:first-child,th:first-child{text-align:left}.table{overflow-x:auto}svg{width:100%;height:auto}\
text{font:11px system-ui,sans-serif;fill:#333}.key span{margin-right:1.2em}\
.key i{display:inline-block;width:.8em;height:.8em;border-radius:50%;margin-right:.3em}";

const WIDTH: f64 = 1000.0;
const LEFT: f64 = 130.0;
const RIGHT: f64 = 20.0;
const ROW: f64 = 22.0;
const TOP: f64 = 24.0;

/// The page.
pub fn page(tables: &[Results]) -> String {
    let host = tables.first().map_or("", |table| table.host.as_str());
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>\
         <title>Wassay: measurements</title><style>{STYLE}</style></head><body>\
         <h1>Measurements</h1><p>{}</p>\n",
        escaped(host)
    );
    for table in tables {
        let _ = writeln!(page, "<h2>{}</h2>", escaped(&table.title()));
        page += &key(table);
        page += &plot(table);
        page += &figures(table);
        page += "<ul>";
        for note in table.notes() {
            let _ = write!(page, "<li>{}</li>", escaped(&note));
        }
        page += "</ul>\n";
    }
    page + "</body></html>\n"
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}

fn colour(column: usize) -> &'static str {
    COLOURS.get(column % COLOURS.len()).unwrap_or(&"#000")
}

fn key(table: &Results) -> String {
    let mut key = String::from("<p class=\"key\">");
    for (column, engine) in table.engines.iter().enumerate() {
        let colour = colour(column);
        let engine = escaped(engine);
        let _ = write!(
            key,
            "<span><i style=\"background:{colour}\"></i>{engine}</span>"
        );
    }
    key + "</p>\n"
}

/// The powers of ten between which all medians are; `None` if there are none.
fn decades(table: &Results) -> Option<(i32, i32)> {
    let figures = table.rows.iter().flat_map(|row| row.figures.values());
    let medians = figures.filter_map(Figure::median).filter(|&it| it > 0.0);
    let logarithms: Vec<f64> = medians.map(f64::log10).collect();
    let least = logarithms.iter().copied().reduce(f64::min)?.floor() as i32;
    let greatest = logarithms.iter().copied().reduce(f64::max)?.ceil() as i32;
    Some((least, greatest.max(least + 1)))
}

fn plot(table: &Results) -> String {
    let Some((least, greatest)) = decades(table) else {
        return String::new();
    };
    let height = TOP + ROW * table.rows.len() as f64 + 4.0;
    let span = f64::from(greatest - least);
    let x = |value: f64| {
        let at = (value.log10() - f64::from(least)) / span;
        LEFT + at.clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
    };
    let mut svg = format!("<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\">");
    for decade in least..=greatest {
        let at = x(10f64.powi(decade));
        let _ = write!(
            svg,
            "<line x1=\"{at:.1}\" y1=\"{TOP}\" x2=\"{at:.1}\" y2=\"{height}\" stroke=\"#ddd\"/>\
             <text x=\"{at:.1}\" y=\"14\" text-anchor=\"middle\">{}</text>",
            10f64.powi(decade)
        );
    }
    for (index, row) in table.rows.iter().enumerate() {
        let y = TOP + ROW * (index as f64 + 0.5);
        let name = escaped(&row.name);
        let _ = write!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{name}</text>\
             <line x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{:.1}\" y2=\"{y:.1}\" stroke=\"#eee\"/>",
            LEFT - 8.0,
            y + 4.0,
            WIDTH - RIGHT
        );
        for (column, engine) in table.engines.iter().enumerate() {
            let Some(&Figure::Measured {
                median,
                least,
                greatest,
            }) = row.figures.get(engine)
            else {
                continue;
            };
            if median <= 0.0 {
                continue;
            }
            let colour = colour(column);
            let _ = write!(
                svg,
                "<line x1=\"{:.1}\" y1=\"{y:.1}\" x2=\"{:.1}\" y2=\"{y:.1}\" stroke=\"{colour}\" \
                 stroke-width=\"2\"/><circle cx=\"{:.1}\" cy=\"{y:.1}\" r=\"4.5\" \
                 fill=\"{colour}\" fill-opacity=\"0.85\"><title>{name}, {}: {}</title></circle>",
                x(least.max(f64::MIN_POSITIVE)),
                x(greatest),
                x(median),
                escaped(engine),
                escaped(&table.cell(&row.figures[engine]))
            );
        }
    }
    svg + "</svg>\n"
}

fn figures(table: &Results) -> String {
    let mut text = String::from("<div class=\"table\"><table><tr><th></th>");
    for engine in &table.engines {
        let _ = write!(text, "<th>{}</th>", escaped(engine));
    }
    text += "</tr>\n";
    for row in &table.rows {
        let _ = write!(text, "<tr><td>{}</td>", escaped(&row.name));
        for engine in &table.engines {
            let cell = row.figures.get(engine).map(|figure| table.cell(figure));
            let _ = write!(text, "<td>{}</td>", escaped(&cell.unwrap_or_default()));
        }
        text += "</tr>\n";
    }
    text + "</table></div>\n"
}
