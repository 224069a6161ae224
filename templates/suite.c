// SPDX-License-Identifier: GPL-2.0
@%- for line in header %@
// @{ line }@
@%- endfor %@
@% for include in includes %@
#include @{ include }@
@%- endfor %@
@%- if trace && uses.callbacks %@

#ifdef CONFIG_DEBUG_KOBJECT_RELEASE
#include "../../base.h" /* drv->p */
#endif
@%- endif %@

@%- if uses.several %@

struct test_device;
@%- endif %@

struct test_kind {
	const char *name;
	struct device *(*create)(@{ self.maker() }@);
	void (*destroy)(struct device *dev);
@%- if uses.drivers %@
	int (*register_driver)(struct device_driver *driver);
	void (*unregister_driver)(struct device_driver *driver);
	struct device_driver *driver; /* bound to the device under test */
@%- endif %@
@%- if !driver_slots.is_empty() %@
	struct device_driver *const *drivers;
@%- endif %@
@%- if uses.halves %@
	struct device *(*init)(@{ self.maker() }@);
	int (*add)(struct device *dev);
	void (*del)(struct device *dev);
@%- endif %@
@%- if uses.handles %@
	dev_t (*devt)(struct device *dev);
@%- endif %@
@%- if uses.asked %@
	int (*use)(struct file *file);
@%- endif %@
@%- if uses.objects %@
	int (*object_action)(struct device *dev, void (*action)(void *data));
@%- endif %@
@%- if uses.parent %@
	const struct test_kind *parent; /* of what the device is below */
@%- endif %@
@%- if uses.wrapped && uses.owned %@
	bool wrap_release;
@%- endif %@
};

@%- if uses.counts && uses.order %@

/* How often the callbacks of a driver ran, and when they last did. */
struct test_counts {
	unsigned int probes, probed_at;
	unsigned int removes, removed_at;
};
@%- else if uses.counts %@

/* How often the callbacks of a driver ran. */
struct test_counts {
	unsigned int probes;
	unsigned int removes;
};
@%- endif %@

struct test_device {
@%- if uses.several %@
	const char *name;
	const struct test_kind *kind;
@%- endif %@
@%- if uses.below %@
	struct test_device *parent;
@%- endif %@
	struct device *dev;
@%- if faults %@
	struct device *last; /* also when it is gone */
@%- endif %@
@%- if uses.wrapped %@
	void (*release)(struct device *dev);
@%- endif %@
@%- if uses.handles %@
	dev_t devt; /* also when it is gone */
@%- endif %@
	int refs;
@%- if uses.refs %@
	int first_refs;
@%- endif %@
@%- if uses.counts %@
	struct test_counts counts;
@%- endif %@
@%- if uses.link %@
	unsigned int registered; /* and when, counted from 1 */
	bool freed;
@%- else if uses.observed %@
	bool registered, freed;
@%- else %@
	bool registered;
@%- endif %@
};
@% if !memory.is_empty() %@
/* Memory, or a resource. */
struct test_memory {
	void *data;
	size_t size;
@%- if uses.memory.owned() %@
	bool owned; /* on no list */
@%- endif %@
@%- if uses.memory.counted %@
	unsigned int added; /* how often */
@%- endif %@
};
@% endif %@
@%- if uses.callbacks %@
struct test_driver {
	struct test_device *td;
	struct device_driver *driver;
	int (*probe)(void);
	void (*remove)(void);
@%- if uses.counts %@
	struct test_counts counts;
@%- endif %@
	bool registered;
};
@% endif %@
/* The running case; static, since a device that leaked may call back later. */
static struct {
@%- if uses.test %@
	struct kunit *test;
@%- endif %@
	const struct test_kind *kind;
@%- for device in devices %@
	struct test_device @{ device.field }@;
@%- endfor %@
@%- for driver in drivers %@
	struct test_driver @{ driver.field }@;
@%- endfor %@
@%- if uses.any %@
	struct test_device *registering; /* the one that a driver may be told of */
@%- endif %@
@%- for handle in handles %@
	struct file *@{ handle.field }@;
@%- endfor %@
@%- for group in groups %@
	char @{ group.field }@; /* only its address counts */
@%- endfor %@
@%- for memory in memory %@
	struct test_memory @{ memory.field }@;
@%- endfor %@
@%- for counter in counters %@
	unsigned int @{ counter }@;
@%- endfor %@
@%- if uses.order %@
	unsigned int clock;
@%- endif %@
@%- if uses.drivers && !uses.callbacks %@
	int driver_error;
@%- endif %@
@%- if uses.link %@
	unsigned int registrations;
@%- endif %@
@%- if uses.warnings %@
	bool warned;
@%- endif %@
@%- if uses.bodies %@
	bool over; /* callbacks do nothing any more */
@%- endif %@
} ctx;
@%- if uses.several %@

static struct test_device *const test_devices[] = {
@%- for device in devices %@
	&ctx.@{ device.field }@,
@%- endfor %@
};
@%- endif %@
@%- if uses.callbacks %@

static struct test_driver *const test_drivers[] = {
@%- for driver in drivers %@
	&ctx.@{ driver.field }@,
@%- endfor %@
};
@%- endif %@
@%- if uses.several %@

static struct test_device *find_test_device(struct device *dev)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(test_devices); i++)
		if (test_devices[i]->dev == dev)
			return test_devices[i];

	return NULL;
}
@%- endif %@
@%- if uses.callbacks %@

static struct test_driver *find_test_driver(struct device_driver *driver)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(test_drivers); i++)
		if (driver && test_drivers[i]->driver == driver)
			return test_drivers[i];

	return NULL;
}
@%- endif %@
@%- if trace %@
@% include "trace.c" %@
@%- endif %@
@%- if uses.handles %@

/*
 * All that user space has of a device. What one had that is gone may be
 * another's now; then it tries 255, which is nobody's.
 */
static void keep_devt(struct test_device *td)
{
	int i;

	if (!td->kind->devt)
		return;
	td->devt = td->kind->devt(td->dev);
	for (i = 0; i < ARRAY_SIZE(test_devices); i++)
		if (test_devices[i] != td && test_devices[i]->devt == td->devt)
			test_devices[i]->devt = MKDEV(MAJOR(td->devt), 255);
}
@%- endif %@
@%- if uses.callbacks %@

static int test_probe(struct device *dev)
{
	struct test_driver *drv = find_test_driver(dev->driver);
@%- if uses.any %@
	struct test_device *td = find_test_device(dev) ?: ctx.registering;
@%- else %@
	struct test_device *td = drv->td;
@%- endif %@

	td->dev = dev;
@%- if uses.anew %@
	td->freed = false;
@%- endif %@
@%- if uses.handles %@
	keep_devt(td);
@%- endif %@
@%- if uses.counts %@
	drv->counts.probes++;
	td->counts.probes++;
@%- if uses.order %@
	drv->counts.probed_at = ++ctx.clock;
	td->counts.probed_at = ctx.clock;
@%- endif %@
@%- endif %@
@%- if trace %@
	log_event("probe", log_driver(drv->driver), log_device(td));
@%- endif %@
@%- if uses.bodies %@
	if (ctx.over)
		return 0;
@%- endif %@
	return drv->probe ? drv->probe() : 0;
}

static void test_remove(struct device *dev)
{
	struct test_driver *drv = find_test_driver(dev->driver);
@%- if uses.counts || trace %@
	struct test_device *td = find_test_device(dev);
@%- endif %@
@% if uses.counts %@
	drv->counts.removes++;
	td->counts.removes++;
@%- if uses.order %@
	drv->counts.removed_at = ++ctx.clock;
	td->counts.removed_at = ctx.clock;
@%- endif %@
@%- endif %@
@%- if trace %@
	log_event("remove", log_driver(drv->driver), log_device(td));
@%- endif %@
@%- if uses.bodies %@
	if (drv->remove && !ctx.over)
@%- else %@
	if (drv->remove)
@%- endif %@
		drv->remove();
}
@%- endif %@
@%- if uses.parent_of %@

static struct device *parent_of(struct test_device *td)
{
	return td->parent ? td->parent->dev : NULL;
}
@%- endif %@
@%- if !driver_slots.is_empty() %@

enum {
@%- for slot in driver_slots %@
	@{ slot }@,
@%- endfor %@
};
@%- endif %@
@% for part in kind_parts %@
@%- for line in part %@
@{ line }@
@%- endfor %@
@% endfor %@
@%- if self.has_sizes() %@
enum { TEST_MEMORY_SIZE = 64 };
@% endif %@
static const struct test_kind @{ kunit_name }@_kinds[] = {
@{ rows }@};
@% if target.has_array_param_desc() %@
@{ self.array_param("KUNIT_ARRAY_PARAM_DESC", "name") }@
@%- else %@
static void kind_name(const struct test_kind *kind, char *name)
{
	strscpy(name, kind->name, KUNIT_PARAM_DESC_SIZE);
}

@{ self.array_param("KUNIT_ARRAY_PARAM", "kind_name") }@
@%- endif %@
@% if uses.handles %@
static struct vfsmount *test_mount;

static int mount_test_files(void)
{
	struct file_system_type *ramfs = get_fs_type("ramfs");

	if (!ramfs)
		return -ENODEV;
	test_mount = kern_mount(ramfs);
	return PTR_ERR_OR_ZERO(test_mount);
}

static void unmount_test_files(void)
{
	kern_unmount(test_mount);
}

/* As user space that has a node for it, whether the device is still there or not. */
static int open_test_device(struct test_device *td, struct file **opened)
{
	struct path path = { .mnt = test_mount };
	struct inode *inode = new_inode(test_mount->mnt_sb);
	struct file *file;

	if (!inode)
		return -ENOMEM;
	init_special_inode(inode, S_IFCHR | 0600, td->devt);
	path.dentry = d_obtain_alias(inode); /* and with it, the inode goes */
	if (IS_ERR(path.dentry))
		return PTR_ERR(path.dentry);
	file = dentry_open(&path, O_RDWR, current_cred());
	dput(path.dentry);
	if (IS_ERR(file))
		return PTR_ERR(file);
	*opened = file;
	return 0;
}

@% if target.has_fput_for_all() -%@
static void close_test_file(struct file **opened)
{
	struct file *file = *opened;

	*opened = NULL;
	__fput_sync(file); /* at once, as fput() does not in a kernel thread */
}
@%- else -%@
struct test_close {
	struct work_struct work;
	struct file *file;
};

static void close_in_worker(struct work_struct *work)
{
	__fput_sync(container_of(work, struct test_close, work)->file);
}

/* At once, as fput() does not; and in a kernel thread, which exit has none of. */
static void close_test_file(struct file **opened)
{
	struct test_close close = { .file = *opened };

	*opened = NULL;
	INIT_WORK_ONSTACK(&close.work, close_in_worker);
	schedule_work(&close.work);
	flush_work(&close.work);
	destroy_work_on_stack(&close.work);
}
@%- endif %@
@% endif %@
@%- if uses.memory.alloc %@
static int alloc_test_memory(struct test_memory *memory)
{
	memory->size = TEST_MEMORY_SIZE;
	memory->data = kzalloc(memory->size, GFP_KERNEL);
	memory->owned = memory->data;
	return memory->data ? 0 : -ENOMEM;
}

static void free_test_memory(struct test_memory *memory)
{
	memory->owned = false;
	kfree(memory->data);
}
@% endif %@
@%- if uses.memory.realloc %@
static int realloc_test_memory(struct test_memory *memory)
{
	void *data = krealloc(memory->data, 2 * memory->size, GFP_KERNEL);

	if (!data)
		return -ENOMEM;
	memory->data = data;
	memory->size *= 2;
	return 0;
}
@% endif %@
@%- if uses.memory.devm_alloc %@
static int devm_alloc_test_memory(struct device *dev,
				  struct test_memory *memory)
{
	memory->size = TEST_MEMORY_SIZE;
	memory->data = devm_kzalloc(dev, memory->size, GFP_KERNEL);
	return memory->data ? 0 : -ENOMEM;
}
@% endif %@
@%- if uses.memory.devm_realloc %@
static int devm_realloc_test_memory(struct device *dev,
				    struct test_memory *memory)
{
	void *data;

	data = devm_krealloc(dev, memory->data, 2 * memory->size, GFP_KERNEL);
	if (!data)
		return -ENOMEM;
	memory->data = data;
	memory->size *= 2;
	return 0;
}
@% endif %@
@%- if uses.memory.touched %@
static void use_test_memory(struct test_memory *memory)
{
	READ_ONCE(*(u8 *)memory->data);
}
@% endif %@
@%- if uses.memory.new %@
static int new_test_resource(struct device *dev, struct test_memory *memory,
			     dr_release_t release)
{
	memory->size = TEST_MEMORY_SIZE;
	memory->data = devres_alloc(release, memory->size, GFP_KERNEL);
	if (!memory->data)
		return -ENOMEM;
	devres_add(dev, memory->data);
@%- if uses.memory.counted %@
	memory->added++;
@%- endif %@
	return 0;
}
@% endif %@
@%- if uses.memory.get %@
/* Whether it was there already. */
static int get_test_resource(struct device *dev, struct test_memory *memory,
			     dr_release_t release)
{
	void *new = devres_alloc(release, TEST_MEMORY_SIZE, GFP_KERNEL);

	if (!new)
		return -ENOMEM;
	if (devres_get(dev, new, NULL, NULL) != new)
		return 1;
	memory->data = new;
@%- if uses.memory.counted %@
	memory->added++;
@%- endif %@
	return 0;
}
@% endif %@
@%- if uses.memory.find %@
static int find_test_resource(struct device *dev, dr_release_t release)
{
	return devres_find(dev, release, NULL, NULL) ? 0 : -ENOENT;
}
@% endif %@
@%- if uses.memory.remove %@
static int remove_test_resource(struct device *dev, struct test_memory *memory,
				dr_release_t release)
{
	if (!devres_remove(dev, release, NULL, NULL))
		return -ENOENT;
	memory->owned = true;
	return 0;
}
@% endif %@
@%- if uses.memory.free_resource() %@
static void free_test_resource(struct test_memory *memory)
{
	memory->owned = false;
	devres_free(memory->data);
}
@% endif %@
@%- if uses.memory.add %@
static void add_test_resource(struct device *dev, struct test_memory *memory)
{
	memory->owned = false;
	devres_add(dev, memory->data);
@%- if uses.memory.counted %@
	memory->added++;
@%- endif %@
}
@% endif %@
@%- if uses.warnings %@
static struct kmsg_dump_iter test_log; /* behind what was read of the log */

static bool has_warned(void)
{
	static char line[256];
	size_t size;

	while (kmsg_dump_get_line(&test_log, false, line, sizeof(line), &size))
		/* What sysfs says of an entry that went with its directory is not it. */
		if (strnstr(line, "WARNING: ", size) &&
		    !strnstr(line, " fs/sysfs/", size))
			ctx.warned = true;

	return ctx.warned;
}
@% endif %@
@%- if uses.groups %@
static int open_test_group(struct device *dev, void *id)
{
	return devres_open_group(dev, id, GFP_KERNEL) ? 0 : -ENOMEM;
}
@% endif %@
@%- if uses.kind_names %@
static bool is_kind(const char *name)
{
	return !strcmp(ctx.kind->name, name);
}
@% endif %@
@%- if uses.wrapped %@
static void recorded_release(struct device *dev)
{
@%- if uses.several %@
	struct test_device *td = find_test_device(dev);

	if (!td)
		return;
	td->freed = true;
@%- if trace %@
	log_event("release", log_device(td), NULL);
@%- endif %@
	td->dev = NULL; /* the next device may have the same address */
	td->release(dev);
@%- else %@
	ctx.dev.freed = true;
	ctx.dev.release(dev);
@%- endif %@
}
@% endif %@
@%- if uses.several %@
static void setup_test_device(struct test_device *td, const char *name,
@%- if uses.below %@
			      const struct test_kind *kind,
			      struct test_device *parent)
@%- else %@
			      const struct test_kind *kind)
@%- endif %@
{
	td->name = name;
	td->kind = kind;
@%- if uses.below %@
	td->parent = parent;
@%- endif %@
}
@% endif %@
@%- if !driver_slots.is_empty() %@
static void setup_test_driver(struct test_driver *drv, struct test_device *td,
			      int slot)
{
	drv->td = td;
	drv->driver = td->kind->drivers[slot];
}
@% endif %@
@%- if uses.makes_both_ways() %@
static int made_test_device(struct test_device *td, struct device *dev)
{
@%- else if uses.init %@
static int init_test_device(struct test_device *td)
{
	struct device *dev = @{ self.kind_of_td() }@->init(@{ self.made_from() }@);
@% else if uses.register %@
static int register_test_device(struct test_device *td)
{
@%- if uses.any %@
	struct device *dev;

	ctx.registering = td;
	dev = td->kind->create(td);
@%- else %@
	struct device *dev = @{ self.kind_of_td() }@->create(@{ self.made_from() }@);
@% endif %@
@%- endif %@
@%- if uses.init || uses.register %@
	if (IS_ERR(dev))
		return PTR_ERR(dev);
	td->dev = dev;
@%- if uses.anew %@
	td->freed = false;
@%- endif %@
@%- if uses.handles %@
	keep_devt(td);
@%- endif %@
@%- if faults %@
	td->last = dev;
@%- endif %@
@%- if uses.init %@
	td->refs++;
@%- else %@
	td->registered = @{ self.registered() }@;
@%- endif %@
@%- if uses.refs %@
	td->first_refs = kref_read(&dev->kobj.kref);
@%- endif %@
@%- if uses.wrapped %@
@%- if uses.owned %@
	if (@{ self.kind_of_td() }@->wrap_release) {
		td->release = dev->release;
		dev->release = recorded_release;
	}
@%- else %@
	td->release = dev->release;
	dev->release = recorded_release;
@%- endif %@
@%- endif %@
@%- if self.has_to_bind() %@
	return ctx.kind->driver && !dev->driver ? -ENODEV : 0;
@%- else %@
	return 0;
@%- endif %@
}
@% endif %@
@%- if uses.makes_both_ways() %@
static int init_test_device(struct test_device *td)
{
	return made_test_device(td, @{ self.kind_of_td() }@->init(@{ self.made_from() }@));
}

static int register_test_device(struct test_device *td)
{
@%- if uses.any %@
	int ret;

	ctx.registering = td;
	ret = made_test_device(td, td->kind->create(td));
@%- else %@
	int ret = made_test_device(td, @{ self.kind_of_td() }@->create(@{ self.made_from() }@));
@% endif %@
	if (ret)
		return ret;
	td->registered = @{ self.registered() }@;
	td->refs--;
	return 0;
}
@% endif %@
@%- if uses.add %@
static int add_test_device(struct test_device *td)
{
	int ret = @{ self.kind_of_td() }@->add(td->dev);

	if (ret)
		return ret;
	td->registered = @{ self.registered() }@;
	td->refs--; /* the registration's, until it is deleted */
@%- if uses.handles %@
	keep_devt(td);
@%- endif %@
@%- if uses.refs %@
	td->first_refs = kref_read(&td->dev->kobj.kref);
@%- endif %@
	return 0;
}
@% endif %@
@%- if uses.del %@
static void del_test_device(struct test_device *td)
{
	td->registered = @{ self.not_registered() }@;
	td->refs++;
	@{ self.kind_of_td() }@->del(td->dev);
}
@% endif %@
static void unregister_test_device(struct test_device *td)
{
	td->registered = @{ self.not_registered() }@;
	@{ self.kind_of_td() }@->destroy(td->dev);
}
@% if uses.order %@
static bool ran_before(unsigned int first, unsigned int second)
{
	return first && first < second;
}
@% endif %@
@%- if uses.get %@
static void get_test_device(struct test_device *td)
{
	get_device(td->@{ self.pointer() }@);
	td->refs++;
}
@% endif %@
@%- if uses.put %@
static void put_test_device(struct test_device *td)
{
	td->refs--;
	put_device(td->@{ self.pointer() }@);
}
@% endif %@
@%- if uses.callbacks && uses.register_driver %@
static int register_test_driver(struct test_driver *drv)
{
	int ret = drv->td->kind->register_driver(drv->driver);

	if (!ret)
		drv->registered = true;
	return ret;
}
@% endif %@
@%- if uses.callbacks %@
static void unregister_test_driver(struct test_driver *drv)
{
@%- if trace %@
#ifdef CONFIG_DEBUG_KOBJECT_RELEASE
	struct kobject *kobj = &drv->driver->p->kobj;
#endif

@%- endif %@
	drv->registered = false;
	drv->td->kind->unregister_driver(drv->driver);
@%- if trace %@
#ifdef CONFIG_DEBUG_KOBJECT_RELEASE
	flush_delayed_work(&kobj->release); /* and its name is free */
#endif
@%- endif %@
}
@% endif %@
@%- if uses.link %@
static int link_test_devices(struct test_device *consumer,
			     struct test_device *supplier, u32 flags)
{
@%- if trace %@
	struct device_link *link;

	link = device_link_add(consumer->dev, supplier->dev, flags);
	log_link(link);
	return link ? 0 : -EINVAL;
@%- else %@
	return device_link_add(consumer->dev, supplier->dev, flags) ? 0 : -EINVAL;
@%- endif %@
}
@% endif %@
@%- if uses.settle %@
/* All work that the driver core has queued is done. */
static void settle(void)
{
@%- if uses.link && uses.several %@
	int i;

	/* What a link was the last to hold goes with it, and may queue more work. */
	for (i = 0; i <= ARRAY_SIZE(test_devices); i++) {
		wait_for_device_probe();
@%- if trace %@
		catch_up_on_links();
@%- endif %@
		device_link_wait_removal();
	}
@%- else %@
	wait_for_device_probe();
	device_link_wait_removal();
@%- endif %@
}
@% endif %@
@%- if uses.refs %@
/* References of a device beyond those that it had when it was registered. */
static int more_refs(struct test_device *td)
{
	if (!td->dev || td->freed)
		return INT_MIN;
	return (int)kref_read(&td->dev->kobj.kref) - td->first_refs;
}
@% endif %@
@%- if uses.alive %@
static bool is_alive(struct test_device *td)
{
	return td->dev && !td->freed;
}
@% endif %@
@%- if uses.bound %@
static bool is_bound(struct test_device *td)
{
	return td->dev && !td->freed && td->dev->driver;
}
@% endif %@
@%- if uses.tear_down %@
/* Undoes what init did. */
static void tear_down(void)
{
@%- if uses.bound_kind %@
@%- if trace %@
	if (ctx.dev_driver.registered) {
		log_step(@{ line }@);
		unregister_test_driver(&ctx.dev_driver);
		log_return("unregister dev.driver", 0);
	}
@%- else %@
	if (ctx.dev_driver.registered)
		unregister_test_driver(&ctx.dev_driver);
@%- endif %@
@%- endif %@
@%- if uses.parent %@
@%- if trace %@
	if (ctx.parent_device.registered) {
		log_step(@{ line }@);
		unregister_test_device(&ctx.parent_device);
		log_return("unregister parent", 0);
	}
@%- else %@
	if (ctx.parent_device.registered)
		unregister_test_device(&ctx.parent_device);
@%- endif %@
@%- endif %@
}
@% endif %@
@%- for prototype in prototypes %@
@{ prototype }@;
@% endfor %@
@%- for function in functions %@
@%- for line in function.doc %@
@{ line }@
@%- endfor %@
@{ function.head }@
{
@{ function.lines }@}
@% endfor %@
@%- if let Some(bulk) = bulk %@
@% include "bulk.c" %@
@% else %@
static int @{ kunit_name }@_init(struct kunit *test)
{
@%- if uses.tear_down %@
	int ret = 0;
@% endif %@
@%- if uses.warnings %@
	has_warned(); /* of what came before */
@%- endif %@
	memset(&ctx, 0, sizeof(ctx));
@%- if uses.test %@
	ctx.test = test;
@%- endif %@
	ctx.kind = test->param_value;
@%- if trace %@
	log_reset();
@%- endif %@
@%- if uses.several %@
	setup_test_device(&ctx.dev, "@{ dev_name }@", ctx.kind@% if uses.below %@, NULL@% endif %@);
@%- endif %@
@%- if uses.parent %@
	if (ctx.kind->parent) {
		setup_test_device(&ctx.parent_device, "@{ parent_name }@",
				  ctx.kind->parent, NULL);
		ctx.dev.parent = &ctx.parent_device;
@%- if trace %@
		log_step(@{ line }@);
@%- endif %@
		ret = register_test_device(&ctx.parent_device);
@%- if trace %@
		log_return("register parent", ret);
@%- endif %@
		if (ret)
			return ret;
	}
@%- endif %@
@%- if uses.bound_kind && uses.callbacks %@
	if (ctx.kind->driver) {
		ctx.dev_driver.td = &ctx.dev;
		ctx.dev_driver.driver = ctx.kind->driver;
@%- if trace %@
		log_step(@{ line }@);
@%- endif %@
		ret = register_test_driver(&ctx.dev_driver);
@%- if trace %@
		log_return("register dev.driver", ret);
@%- endif %@
	}
@%- endif %@
@%- if uses.tear_down %@
	return ret;
@%- else if uses.drivers && !uses.callbacks %@
	if (ctx.kind->driver)
		ctx.driver_error = ctx.kind->register_driver(ctx.kind->driver);
	return ctx.driver_error;
@%- else %@
	return 0;
@%- endif %@
}
@%- if uses.link && uses.several %@

/* A supplier that goes before its consumers may wait for ever. */
static struct test_device *newest_test_device(void)
{
	struct test_device *newest = &ctx.dev;
	int i;

	for (i = 0; i < ARRAY_SIZE(test_devices)@% if uses.parent %@ - 1@% endif %@; i++)
		if (test_devices[i]->registered > newest->registered)
			newest = test_devices[i];

	return newest->registered ? newest : NULL;
}
@%- endif %@

static void @{ kunit_name }@_exit(struct kunit *test)
{
@%- if uses.several %@
@%- if uses.link %@
	struct test_device *td;
@%- endif %@
@%- if trace && uses.tear_down %@
	bool left = false; /* something of the case's, which goes before what was set up */
@%- endif %@
	int i;
@% if trace %@
	if (!log_ended) /* given up: what follows is not the case's */
		log_print(test);
@%- endif %@
	/* What is left when a case fails, or leaks on purpose. */
@%- if uses.bodies %@
	ctx.over = true;
@%- endif %@
@%- if trace %@
@%- if uses.tear_down %@
	for (i = 0; i < ARRAY_SIZE(test_devices)@% if uses.parent %@ - 1@% endif %@; i++)
		left |= !!test_devices[i]->registered;
@%- for handle in handles %@
	left |= !!ctx.@{ handle.field }@;
@%- endfor %@
@%- endif %@
	log_pause(test, true);
@%- endif %@
@%- for handle in handles %@
	if (ctx.@{ handle.field }@)
		close_test_file(&ctx.@{ handle.field }@);
@%- endfor %@
@%- if uses.waits %@
	/* Who unregisters some of them waits until nobody holds it. */
	for (i = 0; i < ARRAY_SIZE(test_devices); i++)
		for (; test_devices[i]->registered && test_devices[i]->refs > 0;
		     test_devices[i]->refs--)
			put_device(test_devices[i]->dev);
@%- endif %@
@%- if uses.link %@
	while ((td = newest_test_device()))
		unregister_test_device(td);
@%- else %@
	for (i = ARRAY_SIZE(test_devices) - @{ self.last_device() }@; i >= 0; i--)
		if (test_devices[i]->registered)
			unregister_test_device(test_devices[i]);
@%- endif %@
@%- if trace && uses.tear_down %@
	if (!left)
		log_pause(test, false);
	tear_down();
	if (left)
		log_pause(test, false);
@%- else if trace %@
	log_pause(test, false);
@%- else if uses.tear_down %@
	tear_down();
@%- endif %@
@%- if trace %@
	if (log_ended)
		log_print(test);
@%- endif %@
@%- if uses.callbacks %@
	for (i = 0; i < ARRAY_SIZE(test_drivers); i++)
		if (test_drivers[i]->registered)
			unregister_test_driver(test_drivers[i]);
@%- endif %@
	for (i = 0; i < ARRAY_SIZE(test_devices); i++)
		while (test_devices[i]->refs-- > 0)
			put_device(test_devices[i]->dev);
@%- if uses.settle %@
	settle();
@%- endif %@
@%- for memory in memory %@
@%- if let Some(free) = memory.free %@
	if (ctx.@{ memory.field }@.owned)
		@{ free }@(&ctx.@{ memory.field }@);
@%- endif %@
@%- endfor %@
@%- if trace %@
	log_left(test);
@%- endif %@
@%- else %@
@%- if uses.bodies %@
	ctx.over = true;
@%- endif %@
@%- if uses.waits %@
	/* Who unregisters it waits until nobody holds it. */
	for (; ctx.dev.registered && ctx.dev.refs > 0; ctx.dev.refs--)
		put_device(ctx.dev.dev);
@%- endif %@
	if (ctx.dev.registered)
		unregister_test_device(&ctx.dev);
@%- if uses.drivers %@
	if (ctx.kind->driver && !ctx.driver_error)
		ctx.kind->unregister_driver(ctx.kind->driver);
@%- endif %@
	while (ctx.dev.refs-- > 0)
		put_device(ctx.dev.dev);
@%- for memory in memory %@
@%- if let Some(free) = memory.free %@
	if (ctx.@{ memory.field }@.owned)
		@{ free }@(&ctx.@{ memory.field }@);
@%- endif %@
@%- endfor %@
@%- endif %@
}
@% endif %@
static struct kunit_case @{ kunit_name }@_cases[] = {
@{ tests }@	{}
};
@% if !set_up.is_empty() %@
static int @{ kunit_name }@_suite_init(struct kunit_suite *suite)
{
@%- for line in set_up %@
@{ line }@
@%- endfor %@
}

static void @{ kunit_name }@_suite_exit(struct kunit_suite *suite)
{
@%- for line in set_down %@
@{ line }@
@%- endfor %@
}
@% endif %@
static struct kunit_suite @{ kunit_name }@_suite = {
	.name = "@{ kunit_name }@",
@%- if bulk.is_none() %@
	.init = @{ kunit_name }@_init,
	.exit = @{ kunit_name }@_exit,
@%- endif %@
@%- if !set_up.is_empty() %@
	.suite_init = @{ kunit_name }@_suite_init,
	.suite_exit = @{ kunit_name }@_suite_exit,
@%- endif %@
	.test_cases = @{ kunit_name }@_cases,
};

kunit_test_suite(@{ kunit_name }@_suite);

MODULE_DESCRIPTION("KUnit tests for device lifetimes: @{ name }@");
MODULE_LICENSE("GPL");
