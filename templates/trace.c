
@%- if bulk.is_some() %@
/* A hash of what happens, FNV-1a. */
static u64 log_hash;
static bool log_quiet; /* returns are not told of */
@%- else %@
/* What happened, in order; printed when the case is over. */
static struct {
	unsigned int step;
	unsigned int line;
	const char *op;
	const char *event[3];
	int ret;
	struct {
		unsigned int refs;
		const char *driver;
	} devices[@{ devices.len() }@];
} log_entries[@{ log_entries }@];

static unsigned int log_count;
static unsigned int log_steps;
static unsigned int log_line;
static bool log_ended, log_paused;
static const char *log_scenario;
@%- endif %@

/* The scenario's names, in the order of test_devices[]. */
static const char *const log_devices[] = {
@%- for device in devices %@
	"@{ device.name }@",
@%- endfor %@
};

static const char *log_device(struct test_device *td)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(test_devices); i++)
		if (test_devices[i] == td)
			return log_devices[i];

	return "?";
}
@%- if uses.callbacks %@

/* The same of test_drivers[]. */
static const char *const log_drivers[] = {
@%- for driver in drivers %@
	"@{ driver.name }@",
@%- endfor %@
};

static const char *log_driver(struct device_driver *driver)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(test_drivers); i++)
		if (driver && test_drivers[i]->driver == driver)
			return log_drivers[i];

	return NULL;
}
@%- endif %@

@%- if bulk.is_some() %@

static void log_bytes(const void *data, size_t size)
{
	const u8 *at = data;

	while (size--) {
		log_hash ^= *at++;
		log_hash *= 0x100000001b3ULL;
	}
}

static void log_text(const char *text)
{
	log_bytes(text ?: "", text ? strlen(text) + 1 : 1);
}

static void log_add(const char *op, int ret, const char *what,
		    const char *first, const char *second)
{
	int i;

	if (op && log_quiet)
		return;
	if (op) {
		log_text(op);
		log_bytes(&ret, sizeof(ret));
	} else {
		log_text(what);
		log_text(first);
		log_text(second);
	}
	for (i = 0; i < ARRAY_SIZE(test_devices); i++) {
		struct device *dev = test_devices[i]->dev;
		const char *driver = NULL;
		u32 refs = 0;

		if (dev && !test_devices[i]->freed) {
			refs = kref_read(&dev->kobj.kref);
@%- if uses.callbacks %@
			driver = log_driver(dev->driver);
@%- endif %@
		}
		log_bytes(&refs, sizeof(refs));
		log_text(driver);
	}
}
@%- else %@

static void log_add(const char *op, int ret, const char *what,
		    const char *first, const char *second)
{
	typeof(log_entries[0]) *entry;
	int i;

	if (log_paused || log_count == ARRAY_SIZE(log_entries))
		return;

	entry = &log_entries[log_count++];
	memset(entry, 0, sizeof(*entry));
	entry->step = log_steps;
	entry->line = log_line;
	entry->op = op;
	entry->event[0] = what;
	entry->event[1] = first;
	entry->event[2] = second;
	entry->ret = ret;
	for (i = 0; i < ARRAY_SIZE(test_devices); i++) {
		struct device *dev = test_devices[i]->dev;

		if (!dev || test_devices[i]->freed)
			continue;
		entry->devices[i].refs = kref_read(&dev->kobj.kref);
@%- if uses.callbacks %@
		entry->devices[i].driver = log_driver(dev->driver);
@%- endif %@
	}
}

static void log_reset(void)
{
	/* Workers are for when the test waits, and not for when the kernel is busy. */
	sched_set_fifo_low(current);
	log_count = 0;
	log_steps = 0;
	log_ended = false;
}

static void log_step(unsigned int line)
{
	log_steps++;
	log_line = line;
}
@%- endif %@
@%- if uses.link %@

static struct device_link *log_links[@{ self.max_links() }@];

static void log_link(struct device_link *link)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(log_links) && log_links[i]; i++)
		;
	if (link && i < ARRAY_SIZE(log_links))
		log_links[i] = link;
}

/* A link is a device as well, which is released before its removal is work to do. */
static void catch_up_on_links(void)
{
#ifdef CONFIG_DEBUG_KOBJECT_RELEASE
	int i;

	for (i = 0; i < ARRAY_SIZE(log_links); i++) {
		if (!log_links[i] || kref_read(&log_links[i]->link_dev.kobj.kref))
			continue;
		flush_delayed_work(&log_links[i]->link_dev.kobj.release);
		log_links[i] = NULL;
	}
#endif
}
@%- endif %@

/*
 * With CONFIG_DEBUG_KOBJECT_RELEASE releases are left to a timer. Now is as good:
 * nothing else runs that could be done with them meanwhile.
 */
static void catch_up_on_releases(void)
{
#ifdef CONFIG_DEBUG_KOBJECT_RELEASE
	static bool catching_up;
	struct device *dev;
	int i;

	if (catching_up)
		return;
	catching_up = true;
	for (i = 0; i < ARRAY_SIZE(test_devices); i++) {
		dev = test_devices[i]->dev;
		if (!dev || test_devices[i]->freed || kref_read(&dev->kobj.kref))
			continue;
		flush_delayed_work(&dev->kobj.release);
		i = -1; /* it may have been the last to hold another one */
	}
	catching_up = false;
#endif
}

static void log_return(const char *op, int ret)
{
	catch_up_on_releases();
	log_add(op, ret, NULL, NULL, NULL);
}

static void log_event(const char *what, const char *first, const char *second)
{
	log_add(NULL, 0, what, first, second);
}

@%- if bulk.is_none() %@

static void log_print(struct kunit *test)
{
	const typeof(log_entries[0]) *entry;
	static char text[1024];
	const char *comma;
	int i, j, n;

	kunit_info(test, "devres-trace: {\"trace\":1,\"case\":\"@{ name }@/%s/%s\"}",
		   log_scenario, ctx.kind->name);
	for (i = 0; i < log_count; i++) {
		entry = &log_entries[i];
		n = scnprintf(text, sizeof(text), "\"step\":%u,\"line\":%u,",
			      entry->step, entry->line);
		if (entry->op)
			n += scnprintf(text + n, sizeof(text) - n,
				       "\"op\":\"%s\",\"ret\":%d",
				       entry->op, entry->ret);
		else
			n += scnprintf(text + n, sizeof(text) - n,
				       "\"event\":\"%s %s%s%s\"",
				       entry->event[0], entry->event[1],
				       entry->event[2] ? " " : "",
				       entry->event[2] ?: "");
		n += scnprintf(text + n, sizeof(text) - n, ",\"devices\":{");
		comma = "";
		for (j = 0; j < ARRAY_SIZE(test_devices); j++) {
			if (!test_devices[j]->kind) /* not in this scenario */
				continue;
			n += scnprintf(text + n, sizeof(text) - n,
				       "%s\"%s\":{\"refs\":%u,\"driver\":%s%s%s}",
				       comma, log_devices[j],
				       entry->devices[j].refs,
				       entry->devices[j].driver ? "\"" : "",
				       entry->devices[j].driver ?: "null",
				       entry->devices[j].driver ? "\"" : "");
			comma = ",";
		}
		kunit_info(test, "devres-trace: {%s}}", text);
	}
}

/* What is cleaned up in between was leaked, and is not the case's. */
static void log_pause(struct kunit *test, bool begins)
{
	log_paused = begins;
	kunit_info(test, "devres-cleanup: %s", begins ? "begins" : "done");
}

/* Whatever a case did, nothing may be left of it. */
static void log_left(struct kunit *test)
{
	int i;
@% if uses.link %@
	catch_up_on_links();
	device_link_wait_removal();
	memset(log_links, 0, sizeof(log_links));
@%- endif %@
	catch_up_on_releases();
	for (i = 0; i < ARRAY_SIZE(test_devices); i++)
		if (test_devices[i]->dev)
			kunit_info(test, "devres-left: %s", log_devices[i]);
}
@%- endif %@
