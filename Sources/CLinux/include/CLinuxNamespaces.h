#pragma once

/// setns(2) for a network namespace: moves the calling thread. 0, or -1 with errno set.
int bulkhead_enter_network_namespace(int descriptor);
