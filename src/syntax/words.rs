//! The words that statements begin with, how each is written, and what others call it.

/// Each operation with its form: capitals are to be filled in, brackets may be left out.
pub const OPERATIONS: [(&str, &[&str]); 32] = [
    (
        "device",
        &[
            "device NAME: KIND [bound] [parent DEVICE]",
            "device NAME like DEVICE [bound] [parent DEVICE]",
        ],
    ),
    (
        "driver",
        &["driver NAME for DEVICE, ... { probe { BODY }; remove { BODY } }"],
    ),
    ("init", &["init DEVICE [fails ERRNO]"]),
    ("add", &["add DEVICE [fails ERRNO]", "add RESOURCE"]),
    ("del", &["del DEVICE"]),
    (
        "register",
        &[
            "register DEVICE [fails ERRNO]",
            "register DRIVER [fails ERRNO]",
        ],
    ),
    ("unregister", &["unregister DEVICE", "unregister DRIVER"]),
    ("get", &["get DEVICE", "get RESOURCE"]),
    ("put", &["put DEVICE"]),
    ("attach", &["attach DEVICE [fails ERRNO]"]),
    ("bind", &["bind DEVICE to DRIVER [fails ERRNO]"]),
    ("unbind", &["unbind DEVICE"]),
    (
        "link",
        &[
            "link CONSUMER to SUPPLIER [fails ERRNO]",
            "link CONSUMER to SUPPLIER while END bound [fails ERRNO]",
            "link CONSUMER to SUPPLIER (autoprobe | stateless) [fails ERRNO]",
        ],
    ),
    ("unlink", &["unlink CONSUMER from SUPPLIER"]),
    ("open", &["open DEVICE as HANDLE [fails ERRNO]"]),
    ("close", &["close HANDLE", "close GROUP"]),
    ("settle", &["settle"]),
    ("action", &["action NAME on DEVICE [{ BODY }]"]),
    ("memory", &["memory NAME [on DEVICE]"]),
    ("resource", &["resource NAME on DEVICE [{ BODY }]"]),
    ("use", &["use MEMORY", "use HANDLE [fails ERRNO]"]),
    ("find", &["find RESOURCE [fails ERRNO]"]),
    ("destroy", &["destroy RESOURCE [fails ERRNO]"]),
    ("realloc", &["realloc MEMORY [fails ERRNO]"]),
    ("free", &["free MEMORY", "free RESOURCE"]),
    ("group", &["group NAME on DEVICE"]),
    (
        "remove",
        &[
            "remove ACTION",
            "remove RESOURCE [fails ERRNO]",
            "remove GROUP",
        ],
    ),
    (
        "release",
        &[
            "release ACTION",
            "release RESOURCE [fails ERRNO]",
            "release GROUP",
        ],
    ),
    ("in", &["in any order { STATEMENTS }"]),
    ("return", &["return ERRNO"]),
    (
        "finally",
        &["finally expect SUBJECT OUTCOME", "finally expect no leaks"],
    ),
    (
        "expect",
        &[
            "expect SUBJECT OUTCOME [but OUTCOME without FIX]",
            "expect order FIRST < SECOND",
            "expect refs DEVICE +1",
            "expect no warning",
            "expect fault NAME on SUBJECT",
        ],
    ),
];

/// How a statement that begins with that word is written, in backticks: one form or a few, or where there
/// are all of them.
pub(super) fn form(word: &str) -> Option<String> {
    const FEW: usize = 3;
    let forms = forms(word)?;
    if forms.len() > FEW {
        let first = forms[0];
        return Some(format!(
            "`{first}`; `devres-gen explain {word}` has other forms"
        ));
    }
    let quoted: Vec<String> = forms.iter().map(|form| format!("`{form}`")).collect();
    let (last, others) = quoted.split_last()?;
    Some(match others {
        [] => last.clone(),
        others => format!("{} or {last}", others.join(", ")),
    })
}

/// All forms of a statement that begins with that word.
pub fn forms(word: &str) -> Option<&'static [&'static str]> {
    let known = OPERATIONS.iter().find(|(known, _)| *known == word);
    known.map(|(_, forms)| *forms)
}

/// The word that a statement begins with which has that in its form: `any order` is of `in`.
pub fn with_phrase(phrase: &str) -> Option<&'static str> {
    let has = |form: &&str| form.contains(&format!(" {phrase} "));
    let mut known = OPERATIONS.iter();
    let found = known.find(|(_, forms)| phrase.contains(' ') && forms.iter().any(has));
    found.map(|(word, _)| *word)
}

/// How references are expected.
pub(super) const REFS: &str = "say `expect refs DEVICE +1`: more than when it was registered";

/// How that which somebody calls an outcome is expected.
pub(super) fn outcome(word: &str) -> Option<&'static str> {
    Some(match word {
        "refs" | "refcount" | "references" | "kref" => REFS,
        "probed" => {
            "say `expect DRIVER.probe ran`, of a driver that the suite binds `DEVICE.probe ran`"
        }
        "removed" => {
            "say `expect DRIVER.remove ran`, of a driver that the suite binds `DEVICE.remove ran`"
        }
        "released" | "gone" | "dead" => "a device that is gone is `freed`",
        "called" | "executed" => "an action or a callback that was called `ran`",
        _ => return None,
    })
}

/// What an operation is in the kernel or elsewhere, where somebody writes that.
const ELSEWHERE: [(&str, &str); 96] = [
    ("device_initialize", "init"),
    ("device_add", "add"),
    ("device_del", "del"),
    ("device_register", "register"),
    ("device_unregister", "unregister"),
    ("platform_device_register", "register"),
    ("platform_device_unregister", "unregister"),
    ("get_device", "get"),
    ("put_device", "put"),
    ("driver_register", "register"),
    ("driver_unregister", "unregister"),
    ("platform_driver_register", "register"),
    ("platform_driver_unregister", "unregister"),
    ("device_attach", "attach"),
    ("device_driver_attach", "bind"),
    ("device_release_driver", "unbind"),
    ("device_link_add", "link"),
    ("krealloc", "realloc"),
    ("misc_register", "register"),
    ("misc_deregister", "unregister"),
    ("ioctl", "use"),
    ("chrdev_open", "open"),
    ("cdev_put", "close"),
    ("device_link_del", "unlink"),
    ("device_link_remove", "unlink"),
    ("devm_add_action", "action"),
    ("devm_add_action_or_reset", "action"),
    ("devm_remove_action", "remove"),
    ("devm_release_action", "release"),
    ("devm_kmalloc", "memory"),
    ("devm_kzalloc", "memory"),
    ("devm_krealloc", "realloc"),
    ("devm_kfree", "free"),
    ("devres_alloc", "resource"),
    ("devres_add", "add"),
    ("devres_find", "find"),
    ("devres_remove", "remove"),
    ("devres_destroy", "destroy"),
    ("devres_release", "release"),
    ("devres_open_group", "group"),
    ("devres_close_group", "close"),
    ("devres_release_group", "release"),
    ("devres_get", "get"),
    ("devres_free", "free"),
    ("devres_remove_group", "remove"),
    ("devm_kmemdup", "memory"),
    ("devm_kstrdup", "memory"),
    ("devm_request_irq", "action"),
    ("drmm_add_action", "action"),
    ("drmm_add_action_or_reset", "action"),
    ("kmalloc", "memory"),
    ("kzalloc", "memory"),
    ("kfree", "free"),
    ("device_create", "register"),
    ("device_destroy", "unregister"),
    ("cdev_device_add", "register"),
    ("cdev_device_del", "unregister"),
    ("platform_device_alloc", "init"),
    ("platform_device_add", "add"),
    ("platform_device_del", "del"),
    ("platform_device_put", "put"),
    ("device_driver_detach", "unbind"),
    ("detach", "unbind"),
    ("wait_for_device_probe", "settle"),
    ("device_link_wait_removal", "settle"),
    ("flush_work", "settle"),
    ("wait", "settle"),
    ("alloc", "memory"),
    ("hold", "get"),
    ("drop", "put"),
    ("unplug", "unregister"),
    ("assert", "expect"),
    ("check", "expect"),
    ("drm_dev_register", "register"),
    ("drm_dev_unregister", "unregister"),
    ("drm_dev_unplug", "unregister"),
    ("drm_dev_get", "get"),
    ("drm_dev_put", "put"),
    ("drmm_kzalloc", "memory"),
    ("iio_device_register", "register"),
    ("iio_device_unregister", "unregister"),
    ("faux_device_create", "register"),
    ("faux_device_destroy", "unregister"),
    ("auxiliary_device_init", "init"),
    ("auxiliary_device_add", "add"),
    ("auxiliary_device_delete", "del"),
    ("auxiliary_device_uninit", "put"),
    ("auxiliary_driver_register", "register"),
    ("auxiliary_driver_unregister", "unregister"),
    ("i2c_new_client_device", "register"),
    ("i2c_unregister_device", "unregister"),
    ("spi_new_device", "register"),
    ("spi_unregister_device", "unregister"),
    ("pci_register_driver", "register"),
    ("pci_unregister_driver", "unregister"),
    ("root_device_register", "register"),
];

/// What there is no operation for, and what to do about it.
const NOT_HERE: [(&[&str], &str); 4] = [
    (
        &[
            "schedule_work",
            "queue_work",
            "schedule_delayed_work",
            "cancel_work_sync",
            "mod_timer",
            "timer_delete_sync",
            "del_timer_sync",
            "request_irq",
            "free_irq",
            "kthread_run",
            "kthread_stop",
            "msleep",
            "ssleep",
            "sleep",
            "thread",
            "work",
            "timer",
            "irq",
        ],
        "there is one thread: write what another one does where it runs (docs/language.md, How to say it)",
    ),
    (
        &[
            "kref_init",
            "kref_get",
            "kref_put",
            "refcount_inc",
            "refcount_dec_and_test",
        ],
        "what counts its own references is `memory NAME`, and `free NAME` where the last one goes",
    ),
    (
        &["if", "for", "while", "loop", "goto", "else"],
        "a scenario is a straight line: what differs is a scenario of its own, or a kind of the suite",
    ),
    (
        &[
            "shutdown",
            "suspend",
            "resume",
            "device_shutdown",
            "device_move",
            "sync_state",
            "pm_runtime_get",
            "pm_runtime_put",
        ],
        "that cannot be said yet (docs/language.md, How to say it)",
    ),
];

/// What to write instead of something that is no operation, if that is known.
pub(super) fn instead_of(word: &str) -> Option<String> {
    let here = here(word).and_then(|here| Some(format!("here that is {}", form(here)?)));
    here.or_else(|| not_here(word).map(str::to_owned))
}

/// The operation that something is here, which the kernel or others call otherwise.
pub fn here(word: &str) -> Option<&'static str> {
    let known = ELSEWHERE.iter().find(|(known, _)| *known == word);
    let flag = LINK_FLAGS.iter().any(|(flag, _)| *flag == word);
    known.map(|(_, here)| *here).or(flag.then_some("link"))
}

/// What to do about something that is no operation here.
pub fn not_here(word: &str) -> Option<&'static str> {
    let known = NOT_HERE.iter().find(|(words, _)| words.contains(&word));
    known.map(|(_, why)| *why)
}

/// The flags of `device_link_add()`, and how they are said.
const LINK_FLAGS: [(&str, &str); 4] = [
    ("DL_FLAG_AUTOREMOVE_CONSUMER", "while CONSUMER bound"),
    ("DL_FLAG_AUTOREMOVE_SUPPLIER", "while SUPPLIER bound"),
    ("DL_FLAG_AUTOPROBE_CONSUMER", "autoprobe"),
    ("DL_FLAG_STATELESS", "stateless"),
];

/// What the first flag in a text is here.
pub(super) fn flag_in(text: &str) -> Option<String> {
    let known = LINK_FLAGS.iter().find(|(flag, _)| text.contains(flag));
    known.map(|(flag, here)| format!("{flag} is `{here}` here"))
}
