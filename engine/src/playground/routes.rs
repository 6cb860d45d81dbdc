//! The table of routes, and what their handlers share.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::handler::Handler as _;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{MethodRouter, any, get, post};

use super::answers::refuse;
use super::counts::{Connections, Counts, count};
use super::echo;
use super::items::{self, Items};
use super::plain::{self, Failures};
use super::shop::{self, Shop};

type Route = MethodRouter<Arc<World>>;

/// Path and handler of everything that is counted: a new route is a row here and in `docs/playground.md`.
fn table() -> Vec<(&'static str, Route)> {
    vec![
        ("/", get(plain::index)),
        ("/delay/{ms}", any(plain::delay)),
        ("/status/{code}", any(plain::status)),
        ("/bytes/{n}", get(plain::bytes)),
        ("/chunked/{n}", get(plain::chunked)),
        ("/gzip/{n}", get(plain::gzip)),
        ("/redirect/{n}", any(plain::redirect)),
        ("/redirect-to", any(plain::redirect_to)),
        ("/stall", any(plain::stall)),
        ("/hang", any(plain::hang)),
        ("/close", any(plain::close)),
        ("/fail/{percent}", any(plain::fail)),
        ("/json", get(echo::small)),
        ("/echo", any(echo::echo)),
        ("/cookies", get(echo::show_cookies)),
        ("/cookies/set", get(echo::set_cookies)),
        ("/basic-auth/{user}/{password}", any(echo::basic_auth)),
        ("/api/items", get(items::list).post(items::create)),
        ("/api/items/{id}", get(items::read).put(items::replace).patch(items::change).delete(items::delete)),
        ("/shop/login", post(shop::login)),
        ("/shop", get(shop::front)),
        ("/shop/search", get(shop::search)),
        ("/shop/basket", get(shop::basket).post(shop::add)),
        ("/shop/order", post(shop::order)),
        ("/shop/logout", get(shop::logout)),
    ]
}

/// The label of every path that is not in the table.
const OTHER: &str = "other";

/// What all workers serve from.
pub(super) struct World {
    index: Bytes,
    counts: Vec<Counts>,
    pub(super) failures: Failures,
    pub(super) items: Items,
    pub(super) shop: Shop,
    shop_delay: Duration,
}

impl World {
    pub(super) fn new(workers: usize, shop_delay: Duration) -> World {
        let paths: Vec<&'static str> = table().into_iter().map(|(path, _)| path).collect();
        let labels: Vec<&'static str> = paths.iter().copied().chain([OTHER]).collect();
        World {
            index: index(&paths),
            counts: (0..workers).map(|_| Counts::new(&labels)).collect(),
            failures: Failures::new(),
            items: Items::new(),
            shop: Shop::new(),
            shop_delay,
        }
    }

    pub(super) fn index(&self) -> Bytes {
        self.index.clone()
    }

    pub(super) fn connections(&self, worker: usize) -> Arc<Connections> {
        self.counts[worker].connections()
    }
}

/// The first page.
fn index(paths: &[&str]) -> Bytes {
    let mut page = "<!doctype html><html><head><title>mite playground</title></head><body>\
         <h1>mite playground</h1><p>A web server to practise on:</p><ul>\n"
        .to_owned();
    for path in paths {
        page.extend(["<li>", path, "</li>\n"]);
    }
    page.push_str("</ul><p>What it served: <a href=\"/stats\">/stats</a></p></body></html>\n");
    page.into()
}

/// One worker's routes. Each is wrapped in the counting of its label, so that counting looks nothing up.
pub(super) fn router(world: &Arc<World>, worker: usize) -> Router {
    let counts = &world.counts[worker];
    let mut router = Router::new();
    for (at, (path, mut route)) in table().into_iter().enumerate() {
        if path.starts_with("/shop") && !world.shop_delay.is_zero() {
            route = route.layer(from_fn_with_state(world.shop_delay, later));
        }
        router = router.route(path, route.layer(from_fn_with_state(counts.route(at), count)));
    }
    let other = unknown.layer(from_fn_with_state(counts.other(), count));
    router
        .route("/stats", get(stats))
        .route("/stats/reset", post(reset))
        .fallback_service(other.with_state(()))
        .with_state(Arc::clone(world))
}

/// Lets an answer take its time.
async fn later(State(delay): State<Duration>, request: Request, next: Next) -> Response {
    tokio::time::sleep(delay).await;
    next.run(request).await
}

async fn unknown() -> Response {
    refuse(StatusCode::NOT_FOUND, "the playground has no such path: / lists them").into_response()
}

async fn stats(State(world): State<Arc<World>>) -> Response {
    Json(Counts::report(&world.counts)).into_response()
}

async fn reset(State(world): State<Arc<World>>) -> StatusCode {
    for counts in &world.counts {
        counts.reset();
    }
    world.failures.reset();
    StatusCode::NO_CONTENT
}
