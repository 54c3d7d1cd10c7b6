#pragma once

#include "CLinuxNamespaces.h"
