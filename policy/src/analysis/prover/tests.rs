//! The quick answers compared with the search through every cuboid.

use proptest::prelude::*;

use super::*;
use crate::engine::arbitrary;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn quick_answers_agree_with_the_search(bundle in arbitrary::bundle(9..90)) {
        let mut geometry = BundleGeometry::default();
        geometry.update(&bundle, &mut Meter::default()).unwrap();
        let mut prover = Prover::new(&geometry, &bundle, Meter::default());
        let entries = || geometry.order.iter().filter_map(|key| geometry.entry(*key));
        for entry in entries().chain(entries()) {
            for slice in entry.slices.iter().filter_map(|index| geometry.slices.get(*index)) {
                let Some(cell) = Prover::matching(entry, slice) else { continue };
                for (end, except) in [(entry.rank, None), (usize::MAX, Some(entry.rank))] {
                    let cuboids = || {
                        let before = geometry.deciding(slice).filter(move |(rank, _)| *rank < end);
                        before.filter(move |(rank, _)| Some(*rank) != except)
                    };
                    let searched = uncovered((&geometry.space, &cell), cuboids(), &mut Meter::default());
                    match prover.coverage(slice, &cell, end, except) {
                        Coverage::Open(point) => {
                            prop_assert!(matches!(searched, Coverage::Open(_)));
                            prop_assert!(point.iter().zip(&cell).all(|(point, cell)| point.within(cell)));
                            prop_assert!(cuboids().all(|(_, cuboid)| !Space::touches(&point, cuboid)));
                        }
                        Coverage::Covered(by) => {
                            prop_assert!(matches!(searched, Coverage::Covered(_)));
                            let proof = cuboids().filter(|(rank, _)| by.contains(rank));
                            let checked = uncovered((&geometry.space, &cell), proof, &mut Meter::default());
                            prop_assert!(matches!(checked, Coverage::Covered(_)), "the proof is one by itself");
                        }
                        Coverage::Undecided => prop_assert!(false, "there is budget"),
                    }
                }
            }
        }
    }
}
