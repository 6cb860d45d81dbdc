//! `/api/items`: a JSON API that creates, lists, reads, replaces, changes and deletes. An item is any JSON object.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::answers::{Refusal, read_json, refuse};
use super::routes::World;

/// Items kept; creating one more answers 507.
pub(super) const ITEMS_MAX: usize = 10_000;

/// Largest item, as sent and as kept; more answers 413.
const ITEM_BYTES_MAX: usize = 16 * 1024;

/// Items in one list; a higher `limit` answers 400.
const LIST_MAX: usize = 1000;

type Item = Map<String, Value>;

/// All items. One lock for all workers: what one connection creates, another must find.
pub(super) struct Items(Mutex<Kept>);

struct Kept {
    items: BTreeMap<u64, Item>,
    next_id: u64,
}

impl Items {
    pub(super) fn new() -> Items {
        Items(Mutex::new(Kept { items: BTreeMap::new(), next_id: 1 }))
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Nothing in here leaves an item half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The new item's id, or `None` if there is no room.
    pub(super) fn create(&self, item: Item) -> Option<u64> {
        let mut kept = self.kept();
        if kept.items.len() >= ITEMS_MAX {
            return None;
        }
        let id = kept.next_id;
        kept.next_id += 1;
        kept.items.insert(id, item);
        Some(id)
    }

    fn page(&self, offset: usize, limit: usize) -> (Vec<Value>, usize) {
        let kept = self.kept();
        let page = kept.items.iter().skip(offset).take(limit).map(|(id, item)| shown(*id, item.clone()));
        (page.collect(), kept.items.len())
    }
}

/// An item with its id, which no body can set.
fn shown(id: u64, mut item: Item) -> Value {
    item.insert("id".to_owned(), Value::from(id));
    Value::Object(item)
}

fn missing(id: u64) -> Refusal {
    refuse(StatusCode::NOT_FOUND, format!("there is no item {id}"))
}

#[derive(serde::Deserialize)]
pub(super) struct Page {
    #[serde(default)]
    offset: usize,
    #[serde(default = "Page::limit")]
    limit: usize,
}

impl Page {
    fn limit() -> usize {
        100
    }
}

pub(super) async fn list(State(world): State<Arc<World>>, Query(page): Query<Page>) -> Result<Response, Refusal> {
    if page.limit > LIST_MAX {
        return Err(refuse(StatusCode::BAD_REQUEST, format!("a list has at most {LIST_MAX} items")));
    }
    let (items, total) = world.items.page(page.offset, page.limit);
    Ok(Json(json!({ "items": items, "total": total })).into_response())
}

pub(super) async fn create(State(world): State<Arc<World>>, body: Body) -> Result<Response, Refusal> {
    let item: Item = read_json(body, ITEM_BYTES_MAX).await?;
    let id = world.items.create(item.clone()).ok_or_else(|| {
        let error = format!("{ITEMS_MAX} items are kept at most: delete some");
        refuse(StatusCode::INSUFFICIENT_STORAGE, error)
    })?;
    let location = [(header::LOCATION, format!("/api/items/{id}"))];
    Ok((StatusCode::CREATED, location, Json(shown(id, item))).into_response())
}

pub(super) async fn read(State(world): State<Arc<World>>, Path(id): Path<u64>) -> Result<Response, Refusal> {
    let item = world.items.kept().items.get(&id).cloned().ok_or_else(|| missing(id))?;
    Ok(Json(shown(id, item)).into_response())
}

pub(super) async fn replace(
    State(world): State<Arc<World>>,
    Path(id): Path<u64>,
    body: Body,
) -> Result<Response, Refusal> {
    let item: Item = read_json(body, ITEM_BYTES_MAX).await?;
    world.items.kept().items.get_mut(&id).ok_or_else(|| missing(id))?.clone_from(&item);
    Ok(Json(shown(id, item)).into_response())
}

/// As in RFC 7396, one level deep: a field replaces the old one, `null` removes it.
pub(super) async fn change(
    State(world): State<Arc<World>>,
    Path(id): Path<u64>,
    body: Body,
) -> Result<Response, Refusal> {
    let fields: Item = read_json(body, ITEM_BYTES_MAX).await?;
    let mut kept = world.items.kept();
    let old = kept.items.get_mut(&id).ok_or_else(|| missing(id))?;
    let mut item = old.clone();
    for (name, value) in fields {
        if value.is_null() {
            item.remove(&name);
        } else {
            item.insert(name, value);
        }
    }
    // Many small changes must not grow what no single body could create.
    if Value::Object(item.clone()).to_string().len() > ITEM_BYTES_MAX {
        let error = format!("the item would be larger than {ITEM_BYTES_MAX} bytes");
        return Err(refuse(StatusCode::PAYLOAD_TOO_LARGE, error));
    }
    old.clone_from(&item);
    Ok(Json(shown(id, item)).into_response())
}

pub(super) async fn delete(State(world): State<Arc<World>>, Path(id): Path<u64>) -> Result<Response, Refusal> {
    world.items.kept().items.remove(&id).ok_or_else(|| missing(id))?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
