use lifecycle::decision::{BundleRef, Record};
use policy::engine::Arm;
use store::{Store, postgres::{Options, Private}, testing};
use crate::support::*;

#[tokio::test]
async fn timing() {
    let folder = std::env::temp_dir().join(format!("countersign-timing-{}", std::process::id()));
    let f = folder.clone();
    let server = tokio::task::spawn_blocking(move || Private::start(&f, &Options::default()).unwrap()).await.unwrap();
    let store = Store::connect(server.options(), testing::keys()).await.unwrap();
    store.migrate().await.unwrap();
    let at: time::OffsetDateTime = sqlx::query_scalar("select now()").fetch_one(store.pool()).await.unwrap();
    let make = |n: usize, size: usize| -> Vec<Vec<Record>> {
        (0..n).map(|_| (0..size).map(|_| decision(at, Arm::Stable, BundleRef { id: 7, version: "1.0.0".into(), digest: "sha256:00".into() }, None)).collect()).collect()
    };
    for (size, n) in [(1, 400), (16, 200), (128, 60), (1000, 12)] {
        let mut line = [Vec::new(), Vec::new()];
        for _ in 0..7 {
            for staged in [false, true] {
                let batches = make(n, size);
                let took = store::decisions::bench(server.options(), &batches, staged).await;
                line[usize::from(staged)].push(took.as_secs_f64() * 1e6 / n as f64);
            }
        }
        for l in &mut line { l.sort_by(f64::total_cmp); }
        println!("batch {size}: direct min {:.0} median {:.0} us; staged min {:.0} median {:.0} us", line[0][0], line[0][3], line[1][0], line[1][3]);
    }
    server.stop();
    let _ = std::fs::remove_dir_all(folder);
}
