//! `/shop`: a walk as people do it: log in, look, search, fill a basket, order, leave.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Json;
use axum::body::Body;
use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::json;

use super::answers::{Refusal, cookies, read_json, refuse};
use super::products::{self, Product};
use super::routes::World;

/// Sessions kept; one more takes the place of the oldest, whose owner gets 401 from then on.
pub(super) const SESSIONS_MAX: usize = 10_000;

/// Of one product in one basket; more answers 422. The number of products bounds the rest of a basket.
const LINE_COUNT_MAX: u64 = 10_000;

/// Largest body of a basket request; more answers 413.
const BASKET_BYTES_MAX: usize = 4096;

const USERS: u32 = 50;
const PASSWORD: &str = "secret";

/// Shown as `12.34`, a string in JSON, so that no client's floating point spoils it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Money {
    pub(super) cents: u64,
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.cents / 100, self.cents % 100)
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Sessions by the order of their logins. A session's id is its number and a keyed hash of it: nobody guesses
/// somebody else's, and neither a second index nor a source of randomness is needed.
pub(super) struct Sessions {
    key: RandomState,
    next: u64,
    open: BTreeMap<u64, Session>,
}

pub(super) struct Session {
    user: u32,
    /// Product and count.
    basket: BTreeMap<u32, u64>,
}

impl Sessions {
    pub(super) fn new() -> Sessions {
        Sessions { key: RandomState::new(), next: 1, open: BTreeMap::new() }
    }

    pub(super) fn open(&mut self, user: u32) -> String {
        while self.open.len() >= SESSIONS_MAX {
            self.open.pop_first();
        }
        let number = self.next;
        self.next += 1;
        self.open.insert(number, Session { user, basket: BTreeMap::new() });
        self.id(number)
    }

    fn id(&self, number: u64) -> String {
        format!("{number}-{:016x}", self.key.hash_one(number))
    }

    fn number(&self, id: &str) -> Option<u64> {
        let number = id.split_once('-')?.0.parse().ok()?;
        (self.id(number) == id).then_some(number)
    }

    pub(super) fn find(&mut self, id: &str) -> Option<&mut Session> {
        let number = self.number(id)?;
        self.open.get_mut(&number)
    }

    fn close(&mut self, id: &str) -> Option<Session> {
        let number = self.number(id)?;
        self.open.remove(&number)
    }
}

/// The shop's state, one for all workers: a client's next connection may be another worker's.
pub(super) struct Shop {
    sessions: Mutex<Sessions>,
    orders: AtomicU64,
}

impl Shop {
    pub(super) fn new() -> Shop {
        Shop { sessions: Mutex::new(Sessions::new()), orders: AtomicU64::new(0) }
    }

    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        // A basket is changed in one step: there is no half to be seen.
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What `act` makes of the client's session; 401 if it has none.
    fn within<T>(&self, headers: &HeaderMap, act: impl FnOnce(&mut Session) -> T) -> Result<T, Refusal> {
        let id = session_id(headers).ok_or_else(stranger)?;
        self.sessions().find(id).map(act).ok_or_else(stranger)
    }
}

fn session_id(headers: &HeaderMap) -> Option<&str> {
    cookies(headers).find(|(name, _)| *name == "session").map(|(_, id)| id)
}

fn stranger() -> Refusal {
    refuse(StatusCode::UNAUTHORIZED, "no session: log in with POST /shop/login")
}

#[derive(Deserialize)]
pub(super) struct Login {
    user: String,
    password: String,
}

/// `user1` to `user50`, spelled exactly so.
fn user_number(name: &str) -> Option<u32> {
    let number = name.strip_prefix("user")?.parse().ok()?;
    ((1..=USERS).contains(&number) && name == format!("user{number}")).then_some(number)
}

pub(super) async fn login(State(world): State<Arc<World>>, Form(login): Form<Login>) -> Result<Response, Refusal> {
    let user = user_number(&login.user).filter(|_| login.password == PASSWORD);
    let user = user.ok_or_else(|| refuse(StatusCode::UNAUTHORIZED, "wrong user or password"))?;
    let id = world.shop.sessions().open(user);
    let cookie = format!("session={id}; Path=/; HttpOnly; SameSite=Lax");
    let headers = [(header::SET_COOKIE, cookie), (header::LOCATION, "/shop".to_owned())];
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}

pub(super) async fn front(State(world): State<Arc<World>>, headers: HeaderMap) -> Result<Response, Refusal> {
    let (user, count) = world.shop.within(&headers, |session| (session.user, session.basket.values().sum::<u64>()))?;
    let mut page = format!(
        "<!doctype html><html><head><title>Shop</title></head><body><h1>Hello user{user}</h1>\
         <p>In your basket: <span id=\"count\">{count}</span></p><ul>"
    );
    for Product { id, name, price } in products::all() {
        // Writing to a string cannot fail.
        let _ = write!(page, "<li data-id=\"{id}\">{name} <b>{price}</b></li>");
    }
    page.push_str("</ul></body></html>\n");
    Ok(Html(page).into_response())
}

#[derive(Deserialize)]
pub(super) struct Search {
    #[serde(default)]
    q: String,
}

#[derive(Serialize)]
struct Found {
    items: Vec<Product>,
}

pub(super) async fn search(
    State(world): State<Arc<World>>,
    headers: HeaderMap,
    Query(search): Query<Search>,
) -> Result<Response, Refusal> {
    world.shop.within(&headers, |_| ())?;
    Ok(Json(Found { items: products::search(&search.q) }).into_response())
}

#[derive(Serialize)]
struct Line {
    #[serde(flatten)]
    product: Product,
    count: u64,
    sum: Money,
}

#[derive(Serialize)]
struct Basket {
    lines: Vec<Line>,
    total: Money,
}

impl Session {
    fn basket(&self) -> Basket {
        let line = |(id, count): (&u32, &u64)| {
            let product = products::find(*id)?;
            Some(Line { product, count: *count, sum: Money { cents: product.price.cents * count } })
        };
        let lines: Vec<Line> = self.basket.iter().filter_map(line).collect();
        let total = Money { cents: lines.iter().map(|line| line.sum.cents).sum() };
        Basket { lines, total }
    }

    fn add(&mut self, wish: &Wish) -> Result<Basket, Refusal> {
        let product = u32::try_from(wish.id).ok().and_then(products::find);
        let product =
            product.ok_or_else(|| refuse(StatusCode::NOT_FOUND, format!("there is no product {}", wish.id)))?;
        let count = u64::try_from(wish.count).ok().filter(|count| (1..=100).contains(count));
        let count = count.ok_or_else(|| refuse(StatusCode::UNPROCESSABLE_ENTITY, "a count is 1 to 100"))?;
        let there = self.basket.get(&product.id).copied().unwrap_or(0);
        if there + count > LINE_COUNT_MAX {
            let error = format!("a basket holds at most {LINE_COUNT_MAX} of a product");
            return Err(refuse(StatusCode::UNPROCESSABLE_ENTITY, error));
        }
        self.basket.insert(product.id, there + count);
        Ok(self.basket())
    }
}

/// Signed and wide, so that a wrong number gets an answer about the number and not about JSON.
#[derive(Deserialize)]
struct Wish {
    id: i64,
    count: i64,
}

pub(super) async fn add(State(world): State<Arc<World>>, headers: HeaderMap, body: Body) -> Result<Response, Refusal> {
    world.shop.within(&headers, |_| ())?;
    let wish: Wish = read_json(body, BASKET_BYTES_MAX).await?;
    let basket = world.shop.within(&headers, |session| session.add(&wish))??;
    Ok(Json(basket).into_response())
}

pub(super) async fn basket(State(world): State<Arc<World>>, headers: HeaderMap) -> Result<Response, Refusal> {
    Ok(Json(world.shop.within(&headers, |session| session.basket())?).into_response())
}

pub(super) async fn order(State(world): State<Arc<World>>, headers: HeaderMap) -> Result<Response, Refusal> {
    let basket = world.shop.within(&headers, |session| {
        let basket = session.basket();
        session.basket.clear();
        basket
    })?;
    if basket.lines.is_empty() {
        return Err(refuse(StatusCode::CONFLICT, "the basket is empty"));
    }
    let order = world.shop.orders.fetch_add(1, Ordering::Relaxed) + 1;
    Ok((StatusCode::CREATED, Json(json!({ "order": order, "total": basket.total }))).into_response())
}

pub(super) async fn logout(State(world): State<Arc<World>>, headers: HeaderMap) -> Result<Response, Refusal> {
    let id = session_id(&headers).ok_or_else(stranger)?;
    let closed = world.shop.sessions().close(id).ok_or_else(stranger)?;
    let cookie = [(header::SET_COOKIE, "session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0")];
    Ok((cookie, Json(json!({ "logged_out": format!("user{}", closed.user) }))).into_response())
}
