//! All processors of a component. The macro puts them in here as the component starts (`inventory`), so that nobody keeps a
//! list.
use crate::error::Result;
use crate::message::Message;

/// A `#[processor]`.
pub struct Registered {
    /// The struct's name.
    pub name: &'static str,
    /// Makes one.
    pub open: Open,
}

/// Makes a processor.
pub type Open = fn() -> Result<Box<dyn Process>>;

/// A processor that is open. Each method does nothing unless the author has written it.
pub trait Process {
    /// Takes a message as it came.
    fn raw(&mut self, _message: &[u8]) -> Result {
        Ok(())
    }
    /// Whether [`Self::message`] does anything, so that messages are only decoded for those who look at them.
    fn decodes(&self) -> bool {
        false
    }
    /// Takes a message.
    fn message(&mut self, _message: &Message) -> Result {
        Ok(())
    }
    /// Time has passed.
    fn tick(&mut self) -> Result {
        Ok(())
    }
    /// There are no more messages.
    fn close(&mut self) -> Result {
        Ok(())
    }
}

inventory::collect!(Registered);

/// The names of all, in order. Two of a name can't be told apart by anybody, so that is a panic: the author sees it when the
/// component is first loaded.
pub fn names() -> Vec<String> {
    let mut names: Vec<String> = inventory::iter::<Registered>().map(|one| one.name.to_owned()).collect();
    names.sort_unstable();
    if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        panic!("two processors of this component are named `{}`: rename one", twice[0]);
    }
    names
}

/// The one of this name.
pub fn find(name: &str) -> Option<&'static Registered> {
    inventory::iter::<Registered>().find(|one| one.name == name)
}
