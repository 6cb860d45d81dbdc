//! What the shop sells. A product's id is its place in the list, from 1.

use super::shop::Money;

#[derive(Clone, Copy, Debug, serde::Serialize)]
pub(super) struct Product {
    pub(super) id: u32,
    pub(super) name: &'static str,
    pub(super) price: Money,
}

const PRODUCTS: [(&str, u64); 40] = [
    ("Apple", 45),
    ("Apricot jam", 389),
    ("Baguette", 160),
    ("Banana", 35),
    ("Basil pot", 249),
    ("Black tea", 420),
    ("Blueberries", 329),
    ("Bread knife", 2450),
    ("Butter", 279),
    ("Camembert", 345),
    ("Carrots", 119),
    ("Chocolate bar", 199),
    ("Cinnamon", 229),
    ("Coffee beans", 1249),
    ("Coffee filter", 189),
    ("Cutting board", 1899),
    ("Dark chocolate", 259),
    ("Eggs", 349),
    ("Espresso cup", 799),
    ("Fig jam", 419),
    ("Flour", 109),
    ("Green tea", 450),
    ("Hazelnuts", 389),
    ("Honey", 679),
    ("Lemon", 55),
    ("Milk", 139),
    ("Mushrooms", 219),
    ("Oat milk", 199),
    ("Olive oil", 1099),
    ("Orange", 65),
    ("Parmesan", 549),
    ("Pepper mill", 3290),
    ("Potatoes", 299),
    ("Rice", 249),
    ("Sea salt", 319),
    ("Spaghetti", 169),
    ("Tea pot", 2799),
    ("Tomatoes", 289),
    ("Walnuts", 499),
    ("Yoghurt", 89),
];

pub(super) fn all() -> impl Iterator<Item = Product> {
    (1..).zip(PRODUCTS).map(|(id, (name, cents))| Product { id, name, price: Money { cents } })
}

pub(super) fn find(id: u32) -> Option<Product> {
    let (name, cents) = *PRODUCTS.get(usize::try_from(id).ok()?.checked_sub(1)?)?;
    Some(Product { id, name, price: Money { cents } })
}

/// Products with `text` in their names, in upper or lower case; all of them for an empty text.
pub(super) fn search(text: &str) -> Vec<Product> {
    let text = text.to_lowercase();
    all().filter(|product| product.name.to_lowercase().contains(&text)).collect()
}
