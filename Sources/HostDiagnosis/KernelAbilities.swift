import CHostProbes
import Foundation
import Glibc
import Netlink

/// What this kernel can do, found by doing it: on a loopback interface in a network namespace of its own, which is gone
/// afterwards. Versions say little: distributions backport, and build options and privileges take away.
public enum KernelAbilities {
    private struct Attempt {
        var check: String
        var needed: Bool
        var cost: String
        var code: Int32
    }

    /// Takes some milliseconds; the calling thread stays where it is.
    public static func findings() -> [Finding] {
        InOwnNamespace.perform { attempts().map(finding) } ?? [
            Finding(
                "kernel", .missing, "a network namespace to try things in cannot be made",
                cost: "nothing could be tried", mend: "run this as root, outside containers without CAP_SYS_ADMIN")
        ]
    }

    private static func attempts() -> [Attempt] {
        let classifier = bulkhead_probe_classifier()
        let netfilter = bulkhead_probe_netfilter_program()
        defer { for descriptor in [classifier, netfilter] where descriptor >= 0 { close(descriptor) } }
        return [
            Attempt(check: "BPF classifiers", needed: true, cost: "no workload can be policed", code: min(classifier, 0)),
            Attempt(
                check: "clsact and cls_bpf", needed: true, cost: "no workload can be policed",
                code: classifier < 0 ? classifier : attach(classifier)),
            Attempt(
                check: "ring buffer", needed: true, cost: "no verdict can be reported", code: used(bulkhead_probe_ring_buffer())),
            Attempt(
                check: "test runs", needed: false, cost: "the self-test of the loaded programs is left out",
                code: classifier < 0 ? classifier : bulkhead_probe_test_run(classifier)),
            Attempt(
                check: "TCX", needed: false,
                cost: "beside another tool's TCX programs on an interface, ours decide after them",
                code: classifier < 0 ? classifier : used(bulkhead_probe_tcx(classifier, 1))),
            Attempt(
                check: "BPF netfilter links", needed: false,
                cost: "no policy for the host's own interfaces, and none for services behind kube-proxy",
                code: netfilter < 0 ? netfilter : used(bulkhead_probe_netfilter_link(netfilter))),
            Attempt(
                check: "BTF", needed: true, cost: "the programs cannot be fitted to this kernel",
                code: access("/sys/kernel/btf/vmlinux", R_OK) == 0 ? 0 : -errno),
        ]
    }

    private static func attach(_ program: Int32) -> Int32 {
        do {
            var control = try TrafficControl()
            try control.addHooks(index: 1, interface: "lo")
            try control.setFilter(
                index: 1, interface: "lo", hook: .ingress, priority: 1, handle: 1, name: "bulkhead-doctor", program: program)
            return 0
        } catch let error as TrafficControlError {
            return -error.code
        } catch let error as RouteError {
            return -error.code
        } catch {
            return -EIO
        }
    }

    /// Whether a descriptor came; it is not needed any longer.
    private static func used(_ descriptor: Int32) -> Int32 {
        guard descriptor >= 0 else { return descriptor }
        close(descriptor)
        return 0
    }

    private static func finding(_ attempt: Attempt) -> Finding {
        guard attempt.code < 0 else { return Finding(attempt.check, .fine, "tried, works") }
        let reason = String(cString: strerror(-attempt.code))
        let mayNot = attempt.code == -EPERM || attempt.code == -EACCES
        return Finding(
            attempt.check, attempt.needed ? .missing : .costs, "tried, does not work: \(reason)", cost: attempt.cost,
            mend: mayNot
                ? "run as root with CAP_BPF, CAP_NET_ADMIN and CAP_SYS_ADMIN"
                : "use a kernel that is built with it (Documentation/Operations.md names the options)")
    }
}
