//! What a table says, held against looking at every box.

use proptest::prelude::*;

use super::*;
use crate::{analysis::space::Domain, engine::arbitrary, random::Random};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_table_says_what_every_box_says(bundle in arbitrary::bundle(1..90), seed: u64) {
        let space = Space::new(&bundle.rules, Domain::Open).unwrap();
        let prints: Vec<_> = bundle.rules.iter().map(|rule| space.footprint(rule)).collect();
        let region = |index: usize| prints.get(index).and_then(|print| print.decides.as_ref());
        let table = Table::new(&space, (0..prints.len()).map(region), &mut Meter::default()).unwrap();
        let mut random = Random::new(seed);
        for asked in &prints {
            let Some(cell) = asked.matches.as_ref().and_then(|region| Space::intersect(&space.full(), region)) else {
                continue;
            };
            let chosen: Vec<usize> = (0..prints.len()).filter(|_| random.chance(60)).collect();
            let picked = Picked::of(chosen.iter().copied());
            let boxes = || chosen.iter().copied().filter_map(|index| Some((index, region(index)?)));
            let container = boxes().find(|(_, region)| Space::is_within(&cell, region)).map(|(index, _)| index);
            prop_assert_eq!(table.container(&cell, &picked, region), container, "seed {}", seed);
            let probe = table.probe(&cell, &picked, region);
            let point = probe.cell();
            prop_assert!(point.iter().zip(&cell).all(|(slot, set)| slot.within(set)));
            let holding: Vec<usize> =
                boxes().filter(|(_, region)| Space::is_within(&point, region)).map(|(index, _)| index).collect();
            prop_assert_eq!(probe.held_by.numbers().collect::<Vec<_>>(), &holding[..], "seed {}", seed);
            prop_assert_eq!(probe.held_by.first(), holding.first().copied());
            prop_assert_eq!(table.at(&probe.point, &picked).numbers().collect::<Vec<_>>(), holding);
        }
    }
}
