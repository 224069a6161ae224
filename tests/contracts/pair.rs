//! A supplier and a consumer, for the tests of device links.

use crate::util::*;

pub const SUPPLIER: DeviceId = DEV;
pub const CONSUMER: DeviceId = OTHER;
/// The supplier's and the consumer's driver.
pub const SDRV: DriverId = DRV;
pub const CDRV: DriverId = NEXT;

pub const DEVICES: &[Device<'static>] = &[
    Device::new("supplier", &PLATFORM),
    Device::new("consumer", &PLATFORM),
];
pub const DRIVERS: &[Driver<'static>] = &[
    Driver::new("supplier_driver", SUPPLIER),
    Driver::new("consumer_driver", CONSUMER),
];
pub static PAIR: Program<'static> = Program {
    devices: DEVICES,
    drivers: DRIVERS,
    actions: &[
        Action::new("a", SUPPLIER, &[]),
        Action::new("b", CONSUMER, &[]),
    ],
    ..Program::EMPTY
};

pub const LINKED: [Op; 3] = [
    Register(SUPPLIER),
    Register(CONSUMER),
    Link(CONSUMER, SUPPLIER, Managed),
];
pub const BOTH_BOUND: [Op; 5] = [
    LINKED[0],
    LINKED[1],
    LINKED[2],
    RegisterDriver(SDRV),
    RegisterDriver(CDRV),
];
