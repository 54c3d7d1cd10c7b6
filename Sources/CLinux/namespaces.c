#include <sched.h>

#include "CLinuxNamespaces.h"

int bulkhead_enter_network_namespace(int descriptor) { return setns(descriptor, CLONE_NEWNET); }
