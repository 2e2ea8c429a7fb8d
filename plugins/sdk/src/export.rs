//! From a Rust type to the table of functions that the ABI wants. No panic leaves it.

use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::c_void;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use padgate_plugin_abi::{
    ABI_VERSION, PADGATE_INVALID, PADGATE_LIMIT, PADGATE_OK, PADGATE_PANICKED, PadgateBuffer, PadgateContext,
    PadgateEvent, PadgateHost, PadgatePlugin, PadgateStatus, PadgateText, STATE_BYTES_MAX,
};

use crate::{ActionPlugin, Context, Error, Event, Host, params, raw};

/// Makes a library of a plugin: exports the one function that Padgate looks for.
///
/// The plugin's name and version, which must be those in its manifest, are those of the crate; a name can be given:
///
/// ```
/// # #[derive(Default)] struct Lights;
/// # impl padgate_plugin::ActionPlugin for Lights {
/// #     type Params = ();
/// #     fn execute(&mut self, _: &(), _: &padgate_plugin::Context, _: &padgate_plugin::Host)
/// #         -> Result<(), padgate_plugin::Error> { Ok(()) }
/// # }
/// padgate_plugin::export!(Lights, name = "lights");
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! export {
    ($plugin:ty) => {
        $crate::export!($plugin, name = env!("CARGO_PKG_NAME"));
    };
    ($plugin:ty, name = $name:expr) => {
        impl $crate::private::Exported for $plugin {
            const NAME: &'static str = $name;
            const VERSION: &'static str = env!("CARGO_PKG_VERSION");
        }

        /// The function that Padgate looks for.
        #[unsafe(no_mangle)]
        pub extern "C" fn padgate_plugin_entry() -> *const $crate::private::abi::PadgatePlugin {
            $crate::private::Table::<$plugin>::TABLE
        }
    };
}

/// What [`export!`](crate::export!) says of a plugin.
#[doc(hidden)]
pub trait Exported: ActionPlugin {
    /// Its name, as in its manifest.
    const NAME: &'static str;
    /// Its version, as in its manifest.
    const VERSION: &'static str;
}

/// Holds the table of a type of plugin.
#[doc(hidden)]
#[derive(Debug)]
pub struct Table<P>(PhantomData<P>);

impl<P: Exported> Table<P> {
    /// The table.
    pub const TABLE: &'static PadgatePlugin = &PadgatePlugin {
        size: size_of::<PadgatePlugin>() as u32,
        abi: ABI_VERSION,
        reserved: 0,
        name: raw::text(P::NAME),
        version: raw::text(P::VERSION),
        create: Some(create::<P>),
        destroy: Some(destroy::<P>),
        prepare: Some(prepare::<P>),
        forget: Some(forget::<P>),
        execute: Some(execute::<P>),
        event: Some(event::<P>),
        save: Some(save::<P>),
        extension: None,
    };
}

/// What an instance pointer points to.
struct Instance<P: ActionPlugin> {
    plugin: P,
    prepared: BTreeMap<u32, P::Params>,
    host: Host,
}

thread_local! {
    /// Whether a function of the plugin is being run for Padgate on this thread, and what its panic said.
    static PANIC: RefCell<Guard> = const { RefCell::new(Guard { depth: 0, said: None }) };
}

struct Guard {
    depth: u32,
    said: Option<String>,
}

/// Keeps the message and place of panics that are caught here; those of other threads go to the hook that was there
/// before, which writes to standard error and thus to the plugin's log.
fn keep_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let kept = PANIC.try_with(|guard| {
                let Ok(mut guard) = guard.try_borrow_mut() else { return false };
                if guard.depth > 0 {
                    let place = info.location().map(|place| format!(", at {place}")).unwrap_or_default();
                    guard.said = Some(format!("{}{place}", message(info.payload())));
                }
                guard.depth > 0
            });
            if kept != Ok(true) {
                before(info);
            }
        }));
    });
}

fn message(payload: &dyn Any) -> &str {
    match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (_, Some(text)) => text,
        _ => "a panic without a message",
    }
}

/// Runs code that may panic. If it does, returns what the panic said, and where it was.
pub(crate) fn guarded<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    keep_panics();
    PANIC.with_borrow_mut(|guard| guard.depth += 1);
    // What the plugin left half done in itself is its own affair: no other code looks into it.
    let ended = catch_unwind(AssertUnwindSafe(run));
    let said = PANIC.with_borrow_mut(|guard| {
        guard.depth -= 1;
        guard.said.take()
    });
    ended.map_err(|payload| {
        let said = said.unwrap_or_else(|| message(&*payload).to_owned());
        // A payload's own `drop` could panic, and it is only a message.
        std::mem::forget(payload);
        said
    })
}

/// Runs code of the plugin. If it panics, returns a sentence that says so.
fn of_plugin<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    guarded(run).map_err(|said| format!("the plugin panicked: {said}"))
}

/// Runs code of the plugin and says how it ended.
///
/// # Safety
///
/// `error` must be null or writable.
unsafe fn answered(error: *mut PadgateBuffer, run: impl FnOnce() -> Result<(), Error>) -> PadgateStatus {
    let (status, text) = match of_plugin(run) {
        Ok(Ok(())) => return PADGATE_OK,
        Ok(Err(why)) => (why.status(), why.text().to_owned()),
        Err(panic) => (PADGATE_PANICKED, panic),
    };
    // SAFETY: The caller promises that it is null or writable.
    unsafe { raw::give(text.into_bytes(), error) };
    status
}

unsafe extern "C" fn create<P: ActionPlugin>(
    host: *const PadgateHost,
    state: PadgateText,
    error: *mut PadgateBuffer,
) -> *mut c_void {
    // SAFETY: The ABI says that the host is a table that lives until `destroy` has returned, or null.
    let host = unsafe { host.as_ref() }.ok_or_else(|| Error::invalid("there is no host"));
    // SAFETY: As above, and that is when `destroy` ends the `Host`.
    let host = host.and_then(|host| unsafe { Host::new(host) });
    let started = host.and_then(|host| {
        // SAFETY: The ABI says that it can be read until this returns.
        let saved = unsafe { raw::slice(state) };
        let made = of_plugin(|| {
            let mut plugin = P::default();
            plugin.start(&host, saved).map(|()| plugin)
        });
        match made {
            Ok(Ok(plugin)) => Ok(Box::new(Instance { plugin, prepared: BTreeMap::new(), host })),
            Ok(Err(why)) => {
                host.end();
                Err(why)
            }
            Err(panic) => {
                host.end();
                Err(Error::failed(panic))
            }
        }
    });
    match started {
        Ok(instance) => Box::into_raw(instance).cast(),
        Err(why) => {
            // SAFETY: The ABI says that it is null or writable.
            unsafe { raw::give(why.text().as_bytes().to_vec(), error) };
            std::ptr::null_mut()
        }
    }
}

unsafe extern "C" fn destroy<P: ActionPlugin>(instance: *mut c_void) {
    if instance.is_null() {
        return;
    }
    // SAFETY: It is what `create` returned, and the ABI says that nothing uses it from now on.
    let instance = unsafe { Box::from_raw(instance.cast::<Instance<P>>()) };
    let Instance { mut plugin, prepared, host } = *instance;
    let ended = of_plugin(|| plugin.stop(&host)).and_then(|()| {
        of_plugin(|| {
            drop(prepared);
            drop(plugin);
        })
    });
    if let Err(panic) = ended {
        host.error(&panic);
    }
    host.end();
}

/// The instance that a pointer means.
///
/// # Safety
///
/// It must be null or what `create::<P>` returned, not destroyed yet, and used by nobody else meanwhile.
unsafe fn instance<'a, P: ActionPlugin>(pointer: *mut c_void) -> Option<&'a mut Instance<P>> {
    // SAFETY: The caller promises it.
    unsafe { pointer.cast::<Instance<P>>().as_mut() }
}

unsafe extern "C" fn prepare<P: ActionPlugin>(
    pointer: *mut c_void,
    handle: u32,
    action: PadgateText,
    parameters: PadgateText,
    error: *mut PadgateBuffer,
) -> PadgateStatus {
    // SAFETY: The ABI says that an instance is used by one call at a time.
    let Some(instance) = (unsafe { instance::<P>(pointer) }) else { return PADGATE_INVALID };
    // SAFETY: The ABI says that texts can be read until this returns.
    let (action, parameters) = unsafe { (raw::slice(action), raw::slice(parameters)) };
    let run = || {
        let action = std::str::from_utf8(action).map_err(|_| Error::invalid("the action is no text"))?;
        let params: P::Params = params::read(action, parameters)?;
        instance.plugin.check(&params, &instance.host)?;
        instance.prepared.insert(handle, params);
        Ok(())
    };
    // SAFETY: The ABI says that `error` is null or writable.
    unsafe { answered(error, run) }
}

unsafe extern "C" fn forget<P: ActionPlugin>(pointer: *mut c_void, handle: u32) {
    // SAFETY: The ABI says that an instance is used by one call at a time.
    let Some(instance) = (unsafe { instance::<P>(pointer) }) else { return };
    if let Err(panic) = of_plugin(|| drop(instance.prepared.remove(&handle))) {
        instance.host.error(&panic);
    }
}

unsafe extern "C" fn execute<P: ActionPlugin>(
    pointer: *mut c_void,
    handle: u32,
    context: *const PadgateContext,
    error: *mut PadgateBuffer,
) -> PadgateStatus {
    // SAFETY: The ABI says that an instance is used by one call at a time.
    let Some(instance) = (unsafe { instance::<P>(pointer) }) else { return PADGATE_INVALID };
    // SAFETY: The ABI says that it points to a context, which can be read until this returns.
    let Some(context) = (unsafe { context.as_ref() }) else { return PADGATE_INVALID };
    let run = || {
        let params = instance.prepared.get(&handle);
        let params = params
            .ok_or_else(|| Error::invalid(format!("nothing was prepared under the handle {handle}")))?;
        instance.plugin.execute(params, &Context::new(*context), &instance.host)
    };
    // SAFETY: The ABI says that `error` is null or writable.
    unsafe { answered(error, run) }
}

unsafe extern "C" fn event<P: ActionPlugin>(pointer: *mut c_void, event: *const PadgateEvent) {
    // SAFETY: The ABI says that an instance is used by one call at a time.
    let Some(instance) = (unsafe { instance::<P>(pointer) }) else { return };
    // SAFETY: The ABI says that it points to an event, which can be read until this returns.
    let Some(event) = (unsafe { event.as_ref() }) else { return };
    if (event.size as usize) < size_of::<PadgateEvent>() {
        return;
    }
    // SAFETY: As above, for what the event points to.
    let Some(event) = (unsafe { Event::read(event) }) else { return };
    if let Err(panic) = of_plugin(|| instance.plugin.event(&event, &instance.host)) {
        instance.host.error(&panic);
    }
}

unsafe extern "C" fn save<P: ActionPlugin>(pointer: *mut c_void, state: *mut PadgateBuffer) -> PadgateStatus {
    // SAFETY: The ABI says that an instance is used by one call at a time.
    let Some(instance) = (unsafe { instance::<P>(pointer) }) else { return PADGATE_INVALID };
    match of_plugin(|| instance.plugin.save()) {
        Ok(saved) if saved.len() <= STATE_BYTES_MAX => {
            // SAFETY: The ABI says that it is writable.
            unsafe { raw::give(saved, state) };
            PADGATE_OK
        }
        Ok(saved) => {
            let length = saved.len();
            instance
                .host
                .error(&format!("the state to save has {length} bytes; {STATE_BYTES_MAX} are allowed"));
            PADGATE_LIMIT
        }
        Err(panic) => {
            instance.host.error(&panic);
            PADGATE_PANICKED
        }
    }
}
