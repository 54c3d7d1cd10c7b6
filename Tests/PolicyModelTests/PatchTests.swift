import PolicyModel
import Testing

@Suite struct PatchTests {
    /// The cases of RFC 7386, appendix A.
    @Test(arguments: [
        (#"{"a":"b"}"#, #"{"a":"c"}"#, #"{"a":"c"}"#), (#"{"a":"b"}"#, #"{"b":"c"}"#, #"{"a":"b","b":"c"}"#), (#"{"a":"b"}"#, #"{"a":null}"#, "{}"),
        (#"{"a":"b","b":"c"}"#, #"{"a":null}"#, #"{"b":"c"}"#), (#"{"a":["b"]}"#, #"{"a":"c"}"#, #"{"a":"c"}"#),
        (#"{"a":"c"}"#, #"{"a":["b"]}"#, #"{"a":["b"]}"#), (#"{"a":{"b":"c"}}"#, #"{"a":{"b":"d","c":null}}"#, #"{"a":{"b":"d"}}"#),
        (#"{"a":[{"b":"c"}]}"#, #"{"a":[1]}"#, #"{"a":[1]}"#), (#"["a","b"]"#, #"["c","d"]"#, #"["c","d"]"#), (#"{"a":"b"}"#, #"["c"]"#, #"["c"]"#),
        (#"{"a":"foo"}"#, "null", "null"), (#"{"a":"foo"}"#, #""bar""#, #""bar""#), (#"{"e":null}"#, #"{"a":1}"#, #"{"e":null,"a":1}"#),
        (#"[1,2]"#, #"{"a":"b","c":null}"#, #"{"a":"b"}"#), ("{}", #"{"a":{"bb":{"ccc":null}}}"#, #"{"a":{"bb":{}}}"#),
    ])
    func mergePatch(document: String, patch: String, expected: String) throws {
        let result = JSONMergePatch.apply(try JSONValue(parsing: patch), to: try JSONValue(parsing: document))
        #expect(result == (try JSONValue(parsing: expected)))
    }

    /// Most are of RFC 6902, appendix A.
    @Test(arguments: [
        (#"{"foo":"bar"}"#, #"[{"op":"add","path":"/baz","value":"qux"}]"#, #"{"baz":"qux","foo":"bar"}"#),
        (#"{"foo":["bar","baz"]}"#, #"[{"op":"add","path":"/foo/1","value":"qux"}]"#, #"{"foo":["bar","qux","baz"]}"#),
        (#"{"foo":["bar"]}"#, #"[{"op":"add","path":"/foo/-","value":["abc"]}]"#, #"{"foo":["bar",["abc"]]}"#),
        (#"{"foo":["bar"]}"#, #"[{"op":"add","path":"/foo/1","value":1}]"#, #"{"foo":["bar",1]}"#),
        (#"{"baz":"qux","foo":"bar"}"#, #"[{"op":"remove","path":"/baz"}]"#, #"{"foo":"bar"}"#),
        (#"{"foo":["bar","qux","baz"]}"#, #"[{"op":"remove","path":"/foo/1"}]"#, #"{"foo":["bar","baz"]}"#),
        (#"{"baz":"qux"}"#, #"[{"op":"replace","path":"/baz","value":"boo"}]"#, #"{"baz":"boo"}"#),
        (#"{"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}}"#, #"[{"op":"move","from":"/foo/waldo","path":"/qux/thud"}]"#,
            #"{"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}}"#),
        (#"{"foo":["all","grass","cows","eat"]}"#, #"[{"op":"move","from":"/foo/1","path":"/foo/3"}]"#, #"{"foo":["all","cows","eat","grass"]}"#),
        (#"{"baz":"qux","foo":["a",2,"c"]}"#, #"[{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2.0}]"#, #"{"baz":"qux","foo":["a",2,"c"]}"#),
        (#"{"foo":"bar"}"#, #"[{"op":"add","path":"/child","value":{"grandchild":{}},"xyz":1}]"#, #"{"foo":"bar","child":{"grandchild":{}}}"#),
        (#"{"/":9,"~1":10}"#, #"[{"op":"test","path":"/~01","value":10},{"op":"replace","path":"/~1","value":8}]"#, #"{"/":8,"~1":10}"#),
        (#"{"a":1}"#, #"[{"op":"replace","path":"","value":[]}]"#, "[]"), (#"{"a":{"b":1}}"#, #"[{"op":"copy","from":"/a","path":"/c"}]"#, #"{"a":{"b":1},"c":{"b":1}}"#),
        (#"{"":1}"#, #"[{"op":"add","path":"/","value":2}]"#, #"{"":2}"#), (#"{"a":1}"#, "[]", #"{"a":1}"#), (#"{"a":[0,{"b":1}]}"#, #"[{"op":"remove","path":"/a/1/b"}]"#, #"{"a":[0,{}]}"#),
        (#"{"a":1}"#, #"[{"op":"move","from":"/a","path":"/a"}]"#, #"{"a":1}"#), (#"{"a":null}"#, #"[{"op":"test","path":"/a","value":null}]"#, #"{"a":null}"#),
    ])
    func jsonPatch(document: String, patch: String, expected: String) throws {
        let result = try JSONPatch.apply(try JSONValue(parsing: patch), to: try JSONValue(parsing: document))
        #expect(result == (try JSONValue(parsing: expected)))
    }

    @Test(arguments: [
        ("{}", "a JSON patch is a list of operations, not an object"), ("[1]", "[0].op: is required"), (#"[{"op":"add","path":"/a"}]"#, "[0].value: is required"),
        (#"[{"op":"ad","path":"/a"}]"#, #"[0].op: "ad" is no operation: use add, remove, replace, move, copy or test"#), (#"[{"op":"remove"}]"#, "[0].path: is required"),
        (#"[{"op":"remove","path":"a"}]"#, #"[0].path: "a" is no JSON pointer: it begins with '/'"#), (#"[{"op":"remove","path":"/a~2"}]"#, "[0].path: '~' must be followed by 0 or 1"),
        (#"[{"op":"remove","path":"/x"}]"#, "[0].path: the document has nothing at /x"), (#"[{"op":"replace","path":"/l/2","value":1}]"#, "[0].path: the document has nothing at /l/2"),
        (#"[{"op":"add","path":"/l/3","value":1}]"#, "[0].path: the document has nothing at /l/3"), (#"[{"op":"add","path":"/l/01","value":1}]"#, "[0].path: the document has nothing at /l/01"),
        (#"[{"op":"add","path":"/x/y","value":1}]"#, "[0].path: the document has nothing at /x"), (#"[{"op":"copy","from":"/x","path":"/a"}]"#, "[0].from: the document has nothing at /x"),
        (#"[{"op":"test","path":"/s","value":"t"}]"#, "[0].value: the document has another value at /s"), (#"[{"op":"test","path":"/s","value":1},{"op":"remove","path":"/s"}]"#, "[0].value: the document has another value at /s"),
        (#"[{"op":"add","path":"/ok","value":1},{"op":"move","from":"/o","path":"/o/p"}]"#, "[1].path: a value cannot be moved into itself"),
    ])
    func jsonPatchErrors(patch: String, message: String) throws {
        let document: JSONValue = ["l": [1, 2], "s": "s", "o": [:]]
        let error = #expect(throws: PatchError.self) { try JSONPatch.apply(try JSONValue(parsing: patch), to: document) }
        #expect(error?.description == message)
    }

    @Test func jsonPatchCannotGrowWithoutEnd() throws {
        var doubling: [JSONValue] = []
        for _ in 0..<60 { doubling.append(["op": "copy", "from": "/l", "path": "/l/-"]) }
        let depth = #expect(throws: PatchError.self) { try JSONPatch.apply(.array(doubling), to: ["l": [1]]) }
        #expect(depth?.message.hasPrefix("more than 64 arrays and objects") == true || depth?.message.hasPrefix("the patch copies more") == true)
        var wide: [JSONValue] = [["op": "add", "path": "/m0", "value": .array(Array(repeating: 1, count: 1000))]]
        for index in 0..<2000 { wide.append(["op": "copy", "from": "/m0", "path": .string("/m\(index + 1)")]) }
        let size = #expect(throws: PatchError.self) { try JSONPatch.apply(.array(wide), to: [:]) }
        #expect(size?.message == "the patch copies more than the limit of 1000000 values")
    }

    @Test(arguments: [
        // What kubectl sends for a label that changes, one that goes, and an annotation.
        (#"{"metadata":{"name":"x","labels":{"a":"1","b":"2"}}}"#, #"{"metadata":{"labels":{"a":"9","b":null},"annotations":{"c":"d"}}}"#,
            #"{"metadata":{"name":"x","labels":{"a":"9"},"annotations":{"c":"d"}}}"#),
        (#"{"metadata":{"finalizers":["a/x","b/x"]}}"#, #"{"metadata":{"finalizers":["c/x","a/x"]}}"#, #"{"metadata":{"finalizers":["a/x","b/x","c/x"]}}"#),
        (#"{"metadata":{"finalizers":["a/x","b/x"]}}"#, #"{"metadata":{"$deleteFromPrimitiveList/finalizers":["a/x"]}}"#, #"{"metadata":{"finalizers":["b/x"]}}"#),
        (#"{"metadata":{"finalizers":["a","b","s"]}}"#, #"{"metadata":{"finalizers":["c"],"$setElementOrder/finalizers":["c","b","a"]}}"#, #"{"metadata":{"finalizers":["c","b","a","s"]}}"#),
        (#"{"metadata":{"finalizers":["s","a","b"]}}"#, #"{"metadata":{"$setElementOrder/finalizers":["b","a"]}}"#, #"{"metadata":{"finalizers":["s","b","a"]}}"#),
        (#"{"spec":{"finalizers":["kubernetes"]}}"#, #"{"spec":{"finalizers":["x"]}}"#, #"{"spec":{"finalizers":["x"]}}"#),
        (#"{"metadata":{"ownerReferences":[{"uid":"1","name":"a"},{"uid":"2","name":"b"}]}}"#, #"{"metadata":{"ownerReferences":[{"uid":"2","name":"c"},{"uid":"3","name":"d"}]}}"#,
            #"{"metadata":{"ownerReferences":[{"uid":"1","name":"a"},{"uid":"2","name":"c"},{"uid":"3","name":"d"}]}}"#),
        (#"{"metadata":{"ownerReferences":[{"uid":"1"},{"uid":"2"}]}}"#, #"{"metadata":{"ownerReferences":[{"uid":"1","$patch":"delete"}]}}"#, #"{"metadata":{"ownerReferences":[{"uid":"2"}]}}"#),
        (#"{"metadata":{"ownerReferences":[{"uid":"1"},{"uid":"2"}]}}"#, #"{"metadata":{"ownerReferences":[{"$patch":"replace"},{"uid":"3"}]}}"#, #"{"metadata":{"ownerReferences":[{"uid":"3"}]}}"#),
        (#"{"metadata":{"ownerReferences":[{"uid":"1"},{"uid":"2"}]}}"#, #"{"metadata":{"$setElementOrder/ownerReferences":[{"uid":"2"},{"uid":"1"}]}}"#, #"{"metadata":{"ownerReferences":[{"uid":"2"},{"uid":"1"}]}}"#),
        (#"{"metadata":{"labels":{"a":"1"}}}"#, #"{"metadata":{"labels":{"$patch":"replace","b":"2"}}}"#, #"{"metadata":{"labels":{"b":"2"}}}"#),
        (#"{"metadata":{"labels":{"a":"1"}}}"#, #"{"metadata":{"labels":{"$patch":"delete"}}}"#, #"{"metadata":{"labels":{}}}"#),
        (#"{"metadata":{"labels":{"a":"1","b":"2"}}}"#, #"{"metadata":{"labels":{"$retainKeys":["b","c"],"c":"3"}}}"#, #"{"metadata":{"labels":{"b":"2","c":"3"}}}"#),
        (#"{"metadata":{}}"#, #"{"metadata":{"labels":{"a":null,"b":"1"},"finalizers":["a","a"]}}"#, #"{"metadata":{"labels":{"b":"1"},"finalizers":["a"]}}"#),
        (#"{"status":{"conditions":[{"type":"A","status":"True"}]}}"#, #"{"status":{"conditions":[{"type":"A","status":"False"}]}}"#, #"{"status":{"conditions":[{"type":"A","status":"False"}]}}"#),
    ])
    func strategicMergePatch(document: String, patch: String, expected: String) throws {
        let result = try StrategicMergePatch.apply(
            try JSONValue(parsing: patch), to: try JSONValue(parsing: document), kind: Kinds.namespace)
        #expect(result == (try JSONValue(parsing: expected)))
    }

    @Test(arguments: [
        ("[]", "a strategic merge patch is an object, not a list"), (#"{"metadata":{"$patch":"x"}}"#, #"metadata.$patch: "x" is not supported: use merge, replace or delete"#),
        (#"{"metadata":{"$foo":1}}"#, "metadata.$foo: is no directive of a strategic merge patch"), (#"{"metadata":{"ownerReferences":[{"name":"a"}]}}"#, "metadata.ownerReferences[0].uid: is required: it says which element to change"),
        (#"{"metadata":{"ownerReferences":[{"$patch":"delete"}]}}"#, "metadata.ownerReferences[0].uid: is required: it says which element to delete"), (#"{"metadata":{"ownerReferences":[1]}}"#, "metadata.ownerReferences[0]: must be an object, not a number"),
        (#"{"metadata":{"$retainKeys":["a"],"b":1}}"#, "metadata.b: is changed, but $retainKeys does not retain it"), (#"{"metadata":{"$setElementOrder/finalizers":1}}"#, "metadata.$setElementOrder/finalizers: must be a list, not a number"),
    ])
    func strategicMergePatchErrors(patch: String, message: String) throws {
        let error = #expect(throws: PatchError.self) {
            try StrategicMergePatch.apply(try JSONValue(parsing: patch), to: [:], kind: Kinds.namespace)
        }
        #expect(error?.description == message)
    }

    @Test func strategicMergePatchIsForBuiltInKinds() {
        let error = #expect(throws: PatchError.self) { try StrategicMergePatch.apply([:], to: [:], kind: Kinds.tier) }
        #expect(error?.description == "strategic merge patches are for built-in kinds: use a merge patch for Tier")
    }
}
