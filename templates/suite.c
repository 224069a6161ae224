// SPDX-License-Identifier: GPL-2.0
@%- for line in header %@
// @{ line }@
@%- endfor %@

#include <kunit/test.h>
@%- for include in includes %@
#include @{ include }@
@%- endfor %@

struct test_kind {
	const char *name;
	struct device *(*create)(void);
	void (*destroy)(struct device *dev);
@%- if uses.wrapped && uses.owned %@
	bool wrap_release;
@%- endif %@
@%- if uses.drivers %@
	int (*register_driver)(void);
	void (*unregister_driver)(void);
@%- endif %@
};

struct test_device {
	const struct test_kind *kind;
	struct device *dev;
@%- if uses.wrapped %@
	void (*release)(struct device *dev);
@%- endif %@
	unsigned int refs;
@%- if uses.refs %@
	int first_refs;
@%- endif %@
	bool registered, freed;
};

/* The running case; static, since a device that leaked may call back later. */
static struct {
	const struct test_kind *kind;
@%- for device in devices %@
	struct test_device @{ device.field }@;
@%- endfor %@
@%- for counter in counters %@
	unsigned int @{ counter }@;
@%- endfor %@
@%- if uses.order %@
	unsigned int clock;
@%- endif %@
@%- if uses.finally %@
	bool driver_registered;
@%- else if uses.drivers %@
	int driver_error;
@%- endif %@
@%- if uses.nested %@
	bool failed;
@%- endif %@
} ctx;
@%- if trace %@
@% include "trace.c" %@
@%- endif %@
@% for function in kind_functions %@
@{ function.head }@
{
@%- for line in function.lines %@
@{ line }@
@%- endfor %@
}
@% endfor %@
@%- for driver in drivers %@
static @{ driver.object_type }@ @{ driver.object }@ = {
@%- if trace %@
	.probe = @{ driver.probe }@,
	.remove = @{ driver.remove }@,
@%- endif %@
	.driver = {
		.name = KBUILD_MODNAME,
		.probe_type = PROBE_FORCE_SYNCHRONOUS,
		.suppress_bind_attrs = true,
	},
};
@% for function in driver.functions %@
@{ function.head }@
{
@%- for line in function.lines %@
@{ line }@
@%- endfor %@
}
@% endfor %@
@%- endfor %@
static const struct test_kind @{ kunit_name }@_kinds[] = {
@%- for line in rows %@
@{ line }@
@%- endfor %@
};

KUNIT_ARRAY_PARAM_DESC(@{ kunit_name }@, @{ kunit_name }@_kinds, name);
@% if uses.wrapped %@
static void recorded_release(struct device *dev)
{
	ctx.device.freed = true;
@%- if trace %@
	log_event("release dev");
@%- endif %@
	ctx.device.release(dev);
}
@% endif %@
static void register_test_device(struct kunit *test, struct test_device *td)
{
	td->kind = ctx.kind;
	td->dev = td->kind->create();
@%- if trace %@
	log_ret = PTR_ERR_OR_ZERO(td->dev);
@%- endif %@
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, td->dev);
	td->registered = true;
@%- if uses.refs %@
	td->first_refs = kref_read(&td->dev->kobj.kref);
@%- endif %@
@%- if uses.wrapped %@
@%- if uses.owned %@
	if (td->kind->wrap_release) {
		td->release = td->dev->release;
		td->dev->release = recorded_release;
	}
@%- else %@
	td->release = td->dev->release;
	td->dev->release = recorded_release;
@%- endif %@
@%- endif %@
@%- if uses.drivers %@
	KUNIT_ASSERT_EQ(test, !!td->dev->driver, !!td->kind->register_driver);
@%- endif %@
}

static void unregister_test_device(struct test_device *td)
{
	td->registered = false;
	td->kind->destroy(td->dev);
}
@% if uses.get %@
static void get_test_device(struct test_device *td)
{
	get_device(td->dev);
	td->refs++;
}
@% endif %@
static void put_test_device(struct test_device *td)
{
	if (!td->refs) /* the last one went, and an action runs in exit */
		return;
	td->refs--;
	put_device(td->dev);
}
@% if uses.actions %@
static void add_test_action(struct kunit *test, struct test_device *td,
			    void (*action)(void *data))
{
@%- if trace %@
	log_ret = devm_add_action(td->dev, action, NULL);
	KUNIT_ASSERT_EQ(test, log_ret, 0);
@%- else %@
	KUNIT_ASSERT_EQ(test, devm_add_action(td->dev, action, NULL), 0);
@%- endif %@
}
@% endif %@
@%- if uses.finally %@
static void unregister_test_driver(void)
{
	if (!ctx.driver_registered)
		return;
	ctx.driver_registered = false;
@%- if trace %@
	log_step(@{ line }@);
@%- endif %@
	ctx.kind->unregister_driver();
@%- if trace %@
	log_return("unregister driver");
@%- endif %@
}
@% endif %@
@%- if uses.attach %@
static void attach_test_device(struct kunit *test, struct test_device *td,
			       int error)
{
	int ret = device_attach(td->dev);
@% if trace %@
	log_ret = ret;
@%- endif %@
	KUNIT_EXPECT_EQ(test, min(ret, 0), error);
}
@% endif %@
@%- if uses.refs %@
/* References of a device beyond those that it had when it was registered. */
static int more_refs(struct test_device *td)
{
	if (td->freed)
		return INT_MIN;
	return (int)kref_read(&td->dev->kobj.kref) - td->first_refs;
}
@% endif %@
@%- if uses.bound %@
static bool is_bound(struct test_device *td)
{
	return td->dev && !td->freed && td->dev->driver;
}
@% endif %@
@%- for function in functions %@
@%- for line in function.doc %@
@{ line }@
@%- endfor %@
@{ function.head }@
{
@%- for line in function.lines %@
@{ line }@
@%- endfor %@
}
@% endfor %@
static int @{ kunit_name }@_init(struct kunit *test)
{
@%- if uses.finally %@
	int ret;
@% endif %@
	memset(&ctx, 0, sizeof(ctx));
	ctx.kind = test->param_value;
@%- if trace %@
	log_count = 0;
	log_steps = 0;
	log_ret = 0;
@%- endif %@
@%- if uses.finally %@
	if (!ctx.kind->register_driver)
		return 0;
@%- if trace %@
	log_step(@{ line }@);
@%- endif %@
	ret = ctx.kind->register_driver();
@%- if trace %@
	log_ret = ret;
	log_return("register driver");
@%- endif %@
	ctx.driver_registered = !ret;
	return ret;
@%- else if uses.drivers && trace %@
	if (ctx.kind->register_driver) {
		log_step(@{ line }@);
		ctx.driver_error = ctx.kind->register_driver();
		log_ret = ctx.driver_error;
		log_return("register driver");
	}
	return ctx.driver_error;
@%- else if uses.drivers %@
	if (ctx.kind->register_driver)
		ctx.driver_error = ctx.kind->register_driver();
	return ctx.driver_error;
@%- else %@
	return 0;
@%- endif %@
}

static void @{ kunit_name }@_exit(struct kunit *test)
{
@%- if uses.finally %@
	unregister_test_driver();
@%- else if uses.drivers && trace %@
	if (ctx.kind->unregister_driver && !ctx.driver_error) {
		log_step(@{ line }@);
		ctx.kind->unregister_driver();
		log_return("unregister driver");
	}
@%- else if uses.drivers %@
	if (ctx.kind->unregister_driver && !ctx.driver_error)
		ctx.kind->unregister_driver();
@%- endif %@
@%- if trace %@
	log_print(test);
@%- endif %@
@%- for device in devices %@
	if (ctx.@{ device.field }@.registered)
		unregister_test_device(&ctx.@{ device.field }@);
	while (ctx.@{ device.field }@.refs)
		put_test_device(&ctx.@{ device.field }@);
@%- endfor %@
@%- if uses.nested %@
	KUNIT_EXPECT_FALSE(test, ctx.failed);
@%- endif %@
}

static struct kunit_case @{ kunit_name }@_cases[] = {
@%- for test in tests %@
@{ test }@
@%- endfor %@
	{}
};

static struct kunit_suite @{ kunit_name }@_suite = {
	.name = "@{ kunit_name }@",
	.init = @{ kunit_name }@_init,
	.exit = @{ kunit_name }@_exit,
	.test_cases = @{ kunit_name }@_cases,
};

kunit_test_suite(@{ kunit_name }@_suite);

MODULE_DESCRIPTION("KUnit tests for device lifetimes: @{ name }@");
MODULE_LICENSE("GPL");
