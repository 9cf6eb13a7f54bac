//! The index compared with a search through every cuboid.

use proptest::prelude::*;

use super::*;
use crate::{analysis::space::Domain, engine::arbitrary, random::Random};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn an_index_agrees_with_every_cuboid(bundle in arbitrary::bundle(1..90), seed: u64) {
        let space = Space::new(&bundle.rules, Domain::Open).unwrap();
        let footprints: Vec<_> = bundle.rules.iter().map(|rule| space.footprint(rule)).collect();
        let cuboid = |index: usize| footprints.get(index).and_then(|footprint| footprint.decides.as_ref());
        let index = BitmapIndex::new(&space, (0..footprints.len()).map(cuboid), &mut Meter::default()).unwrap();
        let mut random = Random::new(seed);
        for asked in &footprints {
            let Some(cell) = asked.matches.as_ref().and_then(|cuboid| Space::intersect(&space.full(), cuboid)) else {
                continue;
            };
            let chosen: Vec<usize> = (0..footprints.len()).filter(|_| random.chance(60)).collect();
            let subset = CuboidSubset::of(chosen.iter().copied());
            let cuboids = || chosen.iter().copied().filter_map(|index| Some((index, cuboid(index)?)));
            let container = cuboids().find(|(_, cuboid)| Space::is_within(&cell, cuboid)).map(|(index, _)| index);
            prop_assert_eq!(index.container(&cell, &subset, cuboid), container, "seed {}", seed);
            let probe = index.probe(&cell, &subset, cuboid);
            let point = probe.cell();
            prop_assert!(point.iter().zip(&cell).all(|(slot, set)| slot.within(set)));
            let holding: Vec<usize> =
                cuboids().filter(|(_, cuboid)| Space::is_within(&point, cuboid)).map(|(index, _)| index).collect();
            prop_assert_eq!(probe.held_by.numbers().collect::<Vec<_>>(), &holding[..], "seed {}", seed);
            prop_assert_eq!(probe.held_by.first(), holding.first().copied());
            prop_assert_eq!(index.at(&probe.point, &subset).numbers().collect::<Vec<_>>(), holding);
        }
    }
}
