//! The report of the benches on made-up measures: the check that names what got slower, the table,
//! the plots.

#[path = "../benches/report/check.rs"]
mod check;
#[path = "../benches/support/measures.rs"]
mod measures;
#[path = "../benches/report/plots.rs"]
mod plots;
#[path = "../benches/report/table.rs"]
mod table;

#[cfg(test)]
mod tests {
    use super::check::worse;
    use std::fs;

    use super::measures::{Curve, Measure, Measures, median};
    use super::{plots, table};

    /// A bench with one time and one throughput, each with a ratio to the no-op's, and a time that is
    /// measured alone.
    fn measured(cpu: f64, throughput: f64, alone: f64) -> Vec<Measures> {
        let mut measures = Measures::new("server");
        measures.add(Measure::beside("cpu", "µs", 20.0, ("no-op", cpu)));
        let measure = Measure::beside("throughput", "/s", 9e4, ("no-op", throughput));
        measures.add(measure.more_is_better());
        let noisy = Measure::beside("tail", "ms", alone, ("no-op", alone));
        measures.add(noisy.not_compared());
        measures.add(Measure::alone("start", "ms", alone));
        vec![measures]
    }

    #[test]
    fn a_ratio_that_got_worse_is_named_with_both_numbers() {
        let found = worse(&measured(1.30, 0.80, 1.0), &measured(1.51, 0.80, 1.0));
        assert_eq!(
            found,
            ["server: cpu: 1.30 × no-op before, 1.51 now (+16 %)"]
        );
        let found = worse(&measured(1.30, 0.80, 1.0), &measured(1.30, 0.67, 1.0));
        assert_eq!(
            found,
            ["server: throughput: 0.80 × no-op before, 0.67 now (-16 %)"]
        );
    }

    #[test]
    fn what_got_better_or_little_worse_is_not_named() {
        let before = measured(1.30, 0.80, 1.0);
        for (cpu, throughput) in [(1.30, 0.80), (0.2, 0.99), (1.49, 0.69)] {
            let found = worse(&before, &measured(cpu, throughput, 1.0));
            assert_eq!(found, [""; 0], "{cpu} {throughput}");
        }
    }

    #[test]
    fn absolute_times_and_noisy_ratios_are_never_compared() {
        let found = worse(&measured(1.30, 0.80, 1.0), &measured(1.30, 0.80, 100.0));
        assert_eq!(found, [""; 0]);
    }

    #[test]
    fn a_measure_that_is_missing_or_lost_its_ratio_is_named() {
        let before = measured(1.30, 0.80, 1.0);
        let mut now = measured(1.30, 0.80, 1.0);
        now[0].measures.remove(0);
        let missing = ["server: cpu: 1.30 before, not measured now"];
        assert_eq!(worse(&before, &now), missing);
        now[0].measures.push(Measure::alone("cpu", "µs", 20.0));
        assert_eq!(worse(&before, &now), missing);
        let all = worse(&before, &[]);
        assert_eq!(all.len(), 2, "{all:?}");
        assert!(worse(&[], &before).is_empty());
    }

    #[test]
    fn the_table_says_which_goals_are_not_met() {
        let mut measures = Measures::new("server");
        let cpu = Measure::beside("cpu", "µs", 20.04, ("no-op", 1.404));
        measures.add(cpu.goal(1.35));
        measures.add(Measure::alone("start", "ms", 31.96).goal(100.0));
        measures.add(Measure::alone("allocations", "", 58.0));
        let text = table::of(&[measures]);
        let words: Vec<Vec<_>> = text
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        assert!(
            words.contains(&vec![
                "cpu", "20.0", "µs", "1.40", "no-op", "≤", "1.35", "NO"
            ]),
            "{text}"
        );
        assert!(
            words.contains(&vec!["start", "32.0", "ms", "≤", "100", "yes"]),
            "{text}"
        );
        assert!(words.contains(&vec!["allocations", "58.0"]), "{text}");
        assert!(text.ends_with("goals that are not met: 1\n"), "{text}");
    }

    #[test]
    fn a_plot_has_its_lines_axes_and_steps() {
        let mut measures = Measures::new("server");
        for line in ["Pillion", "no-op"] {
            measures.draw(Curve {
                plot: "latency".to_owned(),
                x: "reviews a second".to_owned(),
                y: "p99 in ms".to_owned(),
                line: line.to_owned(),
                points: vec![(200.0, 0.5), (1000.0, 0.25), (5000.0, 0.75)],
            });
        }
        let folder = tempfile::tempdir().unwrap();
        let names = plots::write(&[measures], folder.path()).unwrap();
        assert_eq!(names, ["latency.svg"]);
        let svg = fs::read_to_string(folder.path().join("latency.svg")).unwrap();
        let texts: Vec<_> = svg.lines().map(str::trim).collect();
        for text in [
            "Pillion",
            "no-op",
            "reviews a second",
            "p99 in ms",
            "200",
            "1000",
            "5000",
        ] {
            assert!(texts.contains(&text), "{text}: {svg}");
        }
        for colour in ["#0072B2", "#D55E00"] {
            let polyline = format!("<polyline fill=\"none\" opacity=\"1\" stroke=\"{colour}\"");
            assert_eq!(svg.matches(&polyline).count(), 2, "line and legend: {svg}");
        }
    }

    #[test]
    fn goals_are_about_the_ratio_where_there_is_one() {
        let beside = Measure::beside("cpu", "µs", 20.0, ("no-op", 1.3));
        assert_eq!(beside.is_met(), None);
        assert_eq!(beside.clone().goal(1.35).is_met(), Some(true));
        assert_eq!(beside.goal(1.25).is_met(), Some(false));
        let more = Measure::beside("throughput", "/s", 9e4, ("no-op", 0.8)).more_is_better();
        assert_eq!(more.clone().goal(0.75).is_met(), Some(true));
        assert_eq!(more.goal(0.85).is_met(), Some(false));
        assert_eq!(
            Measure::alone("start", "ms", 99.0).goal(100.0).is_met(),
            Some(true)
        );
    }

    #[test]
    fn what_is_written_can_be_read_again() {
        let measures = measured(1.30, 0.80, 1.0);
        let text = serde_json::to_string(&measures).unwrap();
        assert_eq!(
            serde_json::from_str::<Vec<Measures>>(&text).unwrap(),
            measures
        );
        assert!(
            text.contains(r#""beside":"no-op","ratio":1.3,"better":"less","goal":null"#),
            "{text}"
        );
    }

    #[test]
    #[should_panic(expected = "not a number")]
    fn a_figure_that_is_no_number_is_refused() {
        Measures::new("server").add(Measure::alone("start", "ms", f64::NAN));
    }

    #[test]
    fn the_median_is_the_middle_one() {
        assert_eq!(median(vec![9.0, 1.0, 2.0]).to_bits(), 2.0_f64.to_bits());
        assert!(median(Vec::new()).is_nan());
    }
}
