/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What the emitted C needs to be looked at by a compiler, and no more: names and types.
 * Nothing here is a kernel's text, and nothing can be run.
 */
#ifndef STUBS_ALL_H
#define STUBS_ALL_H

/* Words that a kernel's headers, or a compiler for Linux, replace. */
#define current stub_current()
#define linux 1
#define unix 1
#define i386 1
#define errno stub_errno

#define NULL ((void *)0)
#define true 1
#define false 0
#define bool _Bool
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define container_of(pointer, type, member) \
	((type *)((char *)(pointer) - __builtin_offsetof(type, member)))
#define container_of_const container_of
#define READ_ONCE(what) ((void)(what))
#define KBUILD_MODNAME "stub"
#define THIS_MODULE NULL

typedef __SIZE_TYPE__ size_t;
typedef unsigned char u8;
typedef unsigned int dev_t;
unsigned int MAJOR(dev_t dev);
dev_t MKDEV(unsigned int major, unsigned int minor);

enum { ENOENT = 2, ENOMEM = 12, EBUSY = 16, ENODEV = 19, EINVAL = 22, EPROBE_DEFER = 517 };
enum { GFP_KERNEL, O_RDWR = 2, S_IFCHR = 0020000, MINORBITS = 20 };
enum { PROBE_FORCE_SYNCHRONOUS = 1 };

void *ERR_PTR(long error);
void *ERR_CAST(const void *pointer);
long PTR_ERR(const void *pointer);
int PTR_ERR_OR_ZERO(const void *pointer);
bool IS_ERR(const void *pointer);
int strcmp(const char *a, const char *b);
int match_string(const char *const *array, size_t n, const char *string);
void *memset(void *to, int byte, size_t size);
void *kzalloc(size_t size, int flags);
void *krealloc(void *memory, size_t size, int flags);
void kfree(const void *memory);

/* Devices and drivers. */

struct class;
struct device;
struct device_driver;

struct bus_type {
	const char *name;
	int (*match)(struct device *dev, const struct device_driver *driver);
	int (*probe)(struct device *dev);
	void (*remove)(struct device *dev);
};

struct device_driver {
	const char *name;
	const struct bus_type *bus;
	int probe_type;
	bool suppress_bind_attrs;
};

struct device {
	struct device *parent;
	const char *init_name;
	const struct bus_type *bus;
	const struct class *class;
	struct device_driver *driver;
	void (*release)(struct device *dev);
	dev_t devt;
};

int bus_register(const struct bus_type *bus);
void bus_unregister(const struct bus_type *bus);
struct class *class_create(const char *name);
void class_destroy(const struct class *class);
const char *dev_name(const struct device *dev);
int dev_set_name(struct device *dev, const char *format, ...);
int device_add(struct device *dev);
struct device *device_create(const struct class *class, struct device *parent, dev_t devt,
			     void *data, const char *format, ...);
void device_initialize(struct device *dev);
void device_link_wait_removal(void);
int device_register(struct device *dev);
void device_unregister(struct device *dev);
int driver_register(struct device_driver *driver);
void driver_unregister(struct device_driver *driver);
struct device *get_device(struct device *dev);
void put_device(struct device *dev);
struct device *root_device_register(const char *name);
void root_device_unregister(struct device *dev);
void wait_for_device_probe(void);

/* Managed resources. */

typedef void (*dr_release_t)(struct device *dev, void *res);

int devm_add_action(struct device *dev, void (*action)(void *data), void *data);
void devm_release_action(struct device *dev, void (*action)(void *data), void *data);
void *devm_kzalloc(struct device *dev, size_t size, int flags);
void *devres_alloc(dr_release_t release, size_t size, int flags);
void devres_add(struct device *dev, void *res);
void devres_free(void *res);
void *devres_find(struct device *dev, dr_release_t release, void *match, void *data);
void *devres_open_group(struct device *dev, void *id, int flags);
void devres_close_group(struct device *dev, void *id);

/* Kinds of devices. */

struct platform_device {
	struct device dev;
};

struct cdev {
	void *owner;
};

struct file;
struct inode;

struct file_operations {
	void *owner;
	long (*unlocked_ioctl)(struct file *file, unsigned int cmd, unsigned long arg);
};

struct platform_device *platform_device_register_resndata(struct device *parent,
							   const char *name, int id,
							   const void *resources,
							   unsigned int number,
							   const void *data, size_t size);
void platform_device_unregister(struct platform_device *pdev);
struct platform_device *to_platform_device(struct device *dev);
int alloc_chrdev_region(dev_t *first, unsigned int minor, unsigned int count, const char *name);
void unregister_chrdev_region(dev_t first, unsigned int count);
void cdev_init(struct cdev *cdev, const struct file_operations *operations);
int cdev_device_add(struct cdev *cdev, struct device *dev);
void cdev_device_del(struct cdev *cdev, struct device *dev);

/* Open files. */

struct cred;
struct dentry;
struct file_system_type;
struct super_block;

struct vfsmount {
	struct super_block *mnt_sb;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

const struct cred *current_cred(void);
struct dentry *d_obtain_alias(struct inode *inode);
void dput(struct dentry *dentry);
struct file *dentry_open(const struct path *path, int flags, const struct cred *cred);
void __fput_sync(struct file *file);
struct file_system_type *get_fs_type(const char *name);
void init_special_inode(struct inode *inode, int mode, dev_t devt);
struct vfsmount *kern_mount(struct file_system_type *type);
void kern_unmount(struct vfsmount *mount);
struct inode *new_inode(struct super_block *sb);

/* KUnit. */

struct kunit {
	const void *param_value;
};

struct kunit_case {
	void (*run)(struct kunit *test);
	const void *(*params)(void);
};

struct kunit_suite {
	const char *name;
	int (*suite_init)(struct kunit_suite *suite);
	void (*suite_exit)(struct kunit_suite *suite);
	int (*init)(struct kunit *test);
	void (*exit)(struct kunit *test);
	struct kunit_case *test_cases;
};

void kunit_looks(struct kunit *test, bool holds);
void kunit_skip(struct kunit *test, const char *reason);

#define KUNIT_ASSERT_EQ(test, a, b) kunit_looks(test, (a) == (b))
#define KUNIT_ASSERT_FALSE(test, a) kunit_looks(test, !(a))
#define KUNIT_ASSERT_TRUE(test, a) kunit_looks(test, a)
#define KUNIT_EXPECT_EQ(test, a, b) kunit_looks(test, (a) == (b))
#define KUNIT_EXPECT_FALSE(test, a) kunit_looks(test, !(a))
#define KUNIT_EXPECT_TRUE(test, a) kunit_looks(test, a)
#define KUNIT_CASE_PARAM(function, parameters) { function, parameters }
#define KUNIT_ARRAY_PARAM_DESC(prefix, array, member) \
	static const void *prefix##_gen_params(void) \
	{ \
		return (array)[0].member; \
	} \
	extern int stub_semicolon
#define kunit_test_suite(suite) struct kunit_suite *suite##_of_module = &(suite)
#define MODULE_DESCRIPTION(text) extern const char stub_description[sizeof(text)]
#define MODULE_LICENSE(text) extern const char stub_license[sizeof(text)]

#endif
