import CBPF
import Dataplane
import PolicyModel

/// What the kernel tells of connections.
extension BPFDataplane {
    /// In one call of `drainEvents`: a few milliseconds' work. A change of policy must not wait longer because a workload
    /// floods.
    private static let eventsPerDrain = 2048

    public func drainEvents(_ body: (ConnectionEvent) -> Void) throws {
        settle()
        kernel.events.drain(limit: Self.eventsPerDrain) { record in
            guard record.count >= MemoryLayout<bulkhead_event>.size else { return }
            let event = record.loadUnaligned(as: bulkhead_event.self)
            let closed =
                record.count >= MemoryLayout<bulkhead_closed_event>.size
                ? record.loadUnaligned(as: bulkhead_closed_event.self) : nil
            if let event = connectionEvent(event, closed) { body(event) }
        }
    }

    /// nil for an interface that is not ours any more.
    private func connectionEvent(_ event: bulkhead_event, _ closed: bulkhead_closed_event?) -> ConnectionEvent? {
        let direction: Direction = UInt32(event.direction) == UInt32(BULKHEAD_EGRESS) ? .egress : .ingress
        guard let kind = ConnectionEvent.Kind(rawValue: event.kind),
            let flow = identity(event.key, direction, event.type_code)
        else { return nil }
        var counters =
            event.reply == 0
            ? FlowCounters(packetsOut: UInt64(event.packets), bytesOut: event.bytes)
            : FlowCounters(packetsIn: UInt64(event.packets), bytesIn: event.bytes)
        if kind == .closed, let closed {
            counters = FlowCounters(
                packetsOut: closed.packets_out, bytesOut: closed.bytes_out, packetsIn: closed.packets_in,
                bytesIn: closed.bytes_in)
        }
        return ConnectionEvent(
            kind: kind, timestamp: event.timestamp, flow: flow, decision: decisions.source(outcome: event.outcome),
            counters: counters, observed: event.observed != 0, created: kind == .closed ? closed?.created : nil)
    }

    private func identity(_ key: bulkhead_flow_key, _ direction: Direction, _ typeAndCode: UInt16) -> FlowIdentity? {
        guard let endpoint = slots.endpoint(slot: key.slot),
            let tuple = key.tuple(direction: direction, typeAndCode: typeAndCode)
        else { return nil }
        return FlowIdentity(endpoint: endpoint, direction: direction, tuple: tuple)
    }

    public func sweepFlows(_ body: (FlowSnapshot) -> Void) throws {
        settle()
        let gone = slots.gone(graced: grace.completed)
        let began = configuration.bootTime()
        flowCounts.confirmed = try sweep(kernel.flows, gone, body)
        // Read before the walk: what comes during it is seen there, and never counted as forgotten.
        let cameAndStayed =
            try kernel.counters.total(UInt32(BULKHEAD_COUNTER_HALF_OPENED.rawValue))
            &- kernel.counters.total(UInt32(BULKHEAD_COUNTER_HALF_LEFT.rawValue))
            &- kernel.meta.load(Int(BULKHEAD_META_HALF_OPEN_SWEPT.rawValue))
        flowCounts.halfOpen = try sweep(kernel.halfOpen, gone, body)
        let absent = Int64(bitPattern: cameAndStayed) - Int64(flowCounts.halfOpen + lastRemoved)
        flowsForgotten = max(flowsForgotten, UInt64(max(0, absent)))
        addSwept(lastRemoved)
        slots.recycle(gone)
        lastSweep = began &- UInt64(BULKHEAD_CLOCK_LAG)
    }

    /// How many stay. An entry that expired goes when an earlier sweep has told of its last packet: whoever is killed between a
    /// sweep and its record leaves it to the next. An entry that a packet revives between our look and its removal is made anew by its next packet.
    private func sweep(
        _ table: borrowing HashMapHandle<bulkhead_flow_key, bulkhead_flow>, _ gone: Set<UInt32>,
        _ body: (FlowSnapshot) -> Void
    ) throws -> Int {
        let now = configuration.bootTime()
        var expired: [bulkhead_flow_key] = []
        var count = 0
        try table.forEach { key, flow in
            let timeout = bulkhead_flow_timeout(key.protocol, flow.state)
            let isExpired = gone.contains(key.slot) || flow.last_seen &+ timeout < now && flow.last_seen < lastSweep
            if isExpired { expired.append(key) } else { count += 1 }
            let flags = UInt32(truncatingIfNeeded: flow.word >> 32)
            let direction: Direction = flags & BULKHEAD_FLOW_EGRESS != 0 ? .egress : .ingress
            guard let identity = identity(key, direction, flow.type_code) else { return }
            body(
                FlowSnapshot(
                    flow: identity, decision: decisions.source(outcome: flow.outcome),
                    counters: FlowCounters(
                        packetsOut: flow.packets_out, bytesOut: flow.bytes_out, packetsIn: flow.packets_in,
                        bytesIn: flow.bytes_in),
                    created: flow.created, lastSeen: flow.last_seen, removed: isExpired))
        }
        lastRemoved = 0
        for key in expired where try table.delete(key) { lastRemoved += 1 }
        return count
    }

    private func addSwept(_ number: Int) {
        let index = Int(BULKHEAD_META_HALF_OPEN_SWEPT.rawValue)
        kernel.meta.store(kernel.meta.load(index) &+ UInt64(number), at: index)
    }

    public func status() throws -> DataplaneStatus {
        settle()
        var counts: [SystemReason: UInt64] = [:]
        for reason in SystemReason.allCases {
            let count = try kernel.counters.total(reason.rawValue)
            if count > 0 { counts[reason] = count }
        }
        var maps = state.fill.map { DataplaneStatus.MapFill(name: $0.name, used: $0.used, capacity: $0.capacity) }
        maps.append(.init(name: "slots", used: slots.policed.count, capacity: slots.capacity))
        maps.append(.init(name: "flows", used: flowCounts.confirmed, capacity: kernel.flows.capacity))
        maps.append(.init(name: "half_open", used: flowCounts.halfOpen, capacity: kernel.halfOpen.capacity))
        var status = DataplaneStatus(
            revision: revision, policed: slots.policed.compactMapValues(\.attachment), maps: maps, systemCounts: counts,
            eventsLost: try kernel.counters.total(UInt32(BULKHEAD_COUNTER_EVENTS_LOST.rawValue)),
            flowsForgotten: flowsForgotten, warnings: warnings())
        status.observing = kernel.meta.load(Int(BULKHEAD_META_OBSERVE.rawValue)) != 0
        return status
    }
}
