import Foundation
import Glibc
import Synchronization

/// Follows the interfaces of the network namespace of the thread that starts it, on a thread of its own.
public final class InterfaceWatch: Sendable {
    private struct State {
        /// Written to in order to end the thread; -1 when there is none.
        var stopDescriptor: Int32 = -1
        var running = false
    }

    private let state = Mutex(State())
    private let ended = DispatchSemaphore(value: 0)

    public init() {}

    /// Calls `handler` with every interface by name: once before it returns, then on the watch's thread after each change
    /// of a name, an index or a nature. `onFailure` is told when the kernel cannot be heard, and with nil when it can
    /// again; the watch starts over by itself.
    public func start(
        _ handler: @escaping @Sendable ([String: InterfaceIdentity]) -> Void,
        onFailure: @escaping @Sendable (String?) -> Void
    ) throws(RouteError) {
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw RouteError(operation: "watch the network interfaces", code: errno)
        }
        let follower: InterfaceFollower
        do {
            follower = try InterfaceFollower(stopDescriptor: ends[0])
        } catch {
            for end in ends { close(end) }
            throw error
        }
        handler(follower.table)
        let stopDescriptor = ends[1]
        state.withLock {
            $0.stopDescriptor = stopDescriptor
            $0.running = true
        }
        let box = Mutex<InterfaceFollower?>(follower)
        let thread = Thread { [ended] in
            box.withLock { $0.take() }?.run(handler, onFailure: onFailure)
            ended.signal()
        }
        thread.name = "interfaces"
        thread.start()
    }

    /// When it returns the handler is not called any more. Does nothing when nothing runs.
    public func stop() {
        let descriptor: Int32? = state.withLock { state in
            guard state.running else { return nil }
            state.running = false
            return state.stopDescriptor
        }
        guard let descriptor else { return }
        close(descriptor)
        ended.wait()
    }
}

/// The watch's state on its thread.
private final class InterfaceFollower {
    private(set) var table: [String: InterfaceIdentity] = [:]
    private var socket: RouteSocket
    private let stopDescriptor: Int32

    init(stopDescriptor: Int32) throws(RouteError) {
        self.stopDescriptor = stopDescriptor
        socket = try RouteSocket(groups: RouteNumber.linkGroup)
        // After the subscription: what changes during the list is told afterwards.
        table = try Self.list()
    }

    deinit { close(stopDescriptor) }

    func run(_ handler: ([String: InterfaceIdentity]) -> Void, onFailure: (String?) -> Void) {
        while true {
            var descriptors = [
                pollfd(fd: socket.descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: stopDescriptor, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&descriptors, 2, -1) > 0 else { continue }
            if descriptors[1].revents != 0 { return }
            let before = table
            do {
                try readAll()
            } catch {
                // Messages were lost (ENOBUFS) or worse: the list is right again in any case.
                guard let fresh = try? Self.list() else {
                    onFailure("\(error)")
                    // Not to spin on a socket that stays broken.
                    usleep(100_000)
                    continue
                }
                table = fresh
                onFailure(nil)
            }
            if table != before { handler(table) }
        }
    }

    private func readAll() throws(RouteError) {
        while true {
            let messages: [RouteMessage]
            do {
                messages = try socket.receive(operation: "hear of network interfaces", flags: Int32(MSG_DONTWAIT))
            } catch {
                if error.code == EAGAIN { return }
                throw error
            }
            for message in messages { apply(message) }
        }
    }

    private func apply(_ message: RouteMessage) {
        guard let interface = NetworkInterface(message) else { return }
        if message.type == RouteNumber.deleteLink {
            if table[interface.name]?.index == interface.index { table[interface.name] = nil }
            return
        }
        if table[interface.name]?.index != interface.index,
            let former = table.first(where: { $0.value.index == interface.index })?.key
        {
            table[former] = nil
        }
        table[interface.name] = InterfaceIdentity(index: interface.index, nature: interface.nature)
    }

    private static func list() throws(RouteError) -> [String: InterfaceIdentity] {
        var table: [String: InterfaceIdentity] = [:]
        for interface in try NetworkInterface.all() {
            table[interface.name] = InterfaceIdentity(index: interface.index, nature: interface.nature)
        }
        return table
    }
}
