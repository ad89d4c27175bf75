//! Wrong manifests and what is said about them. `SOURCE` stands for a right `[source]`.

pub(super) const CASES: &[(&str, &[&str])] = &[
    (
        r#""#,
        &[
            r#"E1005 1:1 «» the function has no source: `source.topics` is missing; name its topics under [source]: topics = ["orders"]"#,
        ],
    ),
    (
        r#"topics = ["a"]"#,
        &[
            r#"E1005 1:1 «» the function has no source: `source.topics` is missing; name its topics under [source]: topics = ["orders"]"#,
            r#"E1002 1:1 «topics» unknown key `topics`; known here: tenant, source, filter, batch, sink, delivery, retry, dead-letter, limits, permissions, env, secrets"#,
        ],
    ),
    (
        r#"[sauce]
topics = ["a"]"#,
        &[
            r#"E1005 1:1 «» the function has no source: `source.topics` is missing; name its topics under [source]: topics = ["orders"]"#,
            r#"E1002 1:2 «sauce» unknown table `sauce`; did you mean `source`?"#,
        ],
    ),
    (r#"source = 5"#, &[r#"E1003 1:10 «5» `source`: expected a table, found an integer; write it as [source]"#]),
    (
        r#"[source]"#,
        &[
            r#"E1005 1:1 «[source]» the function has no source: `source.topics` is missing; name its topics under [source]: topics = ["orders"]"#,
        ],
    ),
    (
        r#"[source]
topics = "a""#,
        &[
            r#"E1003 2:10 «"a"» `source.topics`: expected an array of strings, found a string; put it in brackets: ["…"]"#,
        ],
    ),
    (
        r#"[source]
topics = []"#,
        &[r#"E1004 2:10 «[]» `source.topics` is empty; name at least one topic"#],
    ),
    (
        r#"[source]
topics = ["a", 5, "a"]"#,
        &[
            r#"E1003 2:16 «5» `source.topics`: expected a string, found an integer; put it in quotes"#,
            r#"E1004 2:19 «"a"» topic "a" is listed twice; remove one of them"#,
        ],
    ),
    (
        r#"[source]
topics = ["grüße", "..", ""]"#,
        &[
            r#"E1008 2:11 «"grüße"» "grüße" cannot be a topic's name: 'ü' is none of a-z, A-Z, 0-9, ., _ and -; use letters, digits, dots, underscores and hyphens"#,
            r#"E1008 2:20 «".."» ".." cannot be a topic's name: Kafka refuses "." and ".."; use letters, digits, dots, underscores and hyphens"#,
            r#"E1008 2:26 «""» "" cannot be a topic's name: it is empty; use letters, digits, dots, underscores and hyphens"#,
        ],
    ),
    (
        r#"[source]
topics = ["a"]
pattern = "a""#,
        &[r#"E1010 3:11 «"a"» `source.topics` and `source.pattern` exclude each other; keep one of them"#],
    ),
    (
        r#"[source]
pattern = "a(""#,
        &[
            r#"E1009 2:11 «"a("» `source.pattern` is no regular expression: unclosed group; patterns are Rust's regular expressions and match a topic's whole name; in TOML, 'single quotes' need no doubled backslashes"#,
        ],
    ),
    (
        r#"[source]
pattern = """#,
        &[
            r#"E1009 2:11 «""» `source.pattern` is empty; the pattern has to match a topic's whole name, such as "orders\\..*""#,
        ],
    ),
    (
        r#"[source]
pattern = '(?=a)'"#,
        &[
            r#"E1009 2:11 «'(?=a)'» `source.pattern` is no regular expression: look-around, including look-ahead and look-behind, is not supported; patterns are Rust's regular expressions and match a topic's whole name; in TOML, 'single quotes' need no doubled backslashes"#,
        ],
    ),
    (
        r#"[source]
topics = ["a"]
start = "erliest""#,
        &[r#"E1004 3:9 «"erliest"» `source.start` cannot be "erliest"; did you mean "earliest"?"#],
    ),
    (
        r#"[source]
topics = ["a"]
start = "soon""#,
        &[r#"E1004 3:9 «"soon"» `source.start` cannot be "soon"; one of "earliest", "latest""#],
    ),
    (
        r#"[source]
topics = ["a"]
start = 2026-01-31T00:00:00"#,
        &[
            r#"E1004 3:9 «2026-01-31T00:00:00» `source.start`: "2026-01-31T00:00:00" is no point in time; write it with its offset, such as 2026-01-31T00:00:00Z"#,
        ],
    ),
    (
        r#"[source]
topics = ["a"]
start = "2026-01-31""#,
        &[
            r#"E1004 3:9 «"2026-01-31"» `source.start`: "2026-01-31" is no point in time; write it with its offset, such as 2026-01-31T00:00:00Z"#,
        ],
    ),
    (
        r#"[source]
topics = ["a"]
start = 5"#,
        &[
            r#"E1003 3:9 «5» `source.start`: expected a time, found an integer; write it with its offset, such as 2026-01-31T00:00:00Z"#,
        ],
    ),
    (
        r#"[source]
topics = ["a"]
group = " ""#,
        &[
            r#"E1008 3:9 «" "» " " cannot be a consumer group: it is empty; leave it out for the default, eddyline.<function>"#,
        ],
    ),
    (
        r#"[source]
topics = ["a"]
skip_older_than = "24h""#,
        &[r#"E1002 3:1 «skip_older_than» unknown key `source.skip_older_than`; did you mean `skip-older-than`?"#],
    ),
    (
        r#"[source]
topics = ["a"]
skip-older-than = "0s""#,
        &[r#"E1004 3:19 «"0s"» `source.skip-older-than` is out of range: 0s; between 1ms and 36500d"#],
    ),
    (
        r#"SOURCE
tenant = "Shop""#,
        &[
            r#"E1002 3:1 «tenant» unknown key `source.tenant`; known here: topics, pattern, start, group, skip-older-than"#,
        ],
    ),
    (
        r#"SOURCE
skip-older-than = "24h"
[dead-letter]
enabled = false"#,
        &[
            r#"E1010 3:19 «"24h"» `source.skip-older-than` needs the dead letter, which `dead-letter.enabled = false` turns off; keep one of them"#,
        ],
    ),
    (
        r#"tenant = "Shop"
SOURCE
"#,
        &[
            r#"E1007 1:10 «"Shop"» "Shop" cannot be a tenant's name: 'S' is none of a-z, 0-9 and -; use lower-case letters, digits and hyphens"#,
        ],
    ),
    (
        r#"SOURCE
[[filter]]
pattern = '{}'
[[filter]]
[[filter]]
patern = '{"key": ["a"]}'
pattern = 5
[[filter]]
pattern = '{ "value": { "status": "paid" } }'
[[filter]]
pattern = '''
{ "value": { "total": [{ "numeric": [">", "100"] }] } }
'''
"#,
        &[
            r#"E1020 4:11 «'{}'» `filter.pattern` cannot be used: the object is empty, so it says nothing; name a field and its admissible values; without any [[filter]], every record matches"#,
            r#"E1005 5:1 «[[filter]]» `filter.pattern` is missing; write pattern = '{ "value": { "status": ["paid"] } }'"#,
            r#"E1002 7:1 «patern» unknown key `filter.patern`; did you mean `pattern`?"#,
            r#"E1003 8:11 «5» `filter.pattern`: expected a string, found an integer; put it in quotes"#,
            r#"E1020 10:11 «'{ "value": { "status": "paid" } }'» `filter.pattern` cannot be used: `value.status`: expected an array or an object, found a text; write the admissible values in an array, also a single one: ["paid"]"#,
            r#"E1020 12:11 «'''
{ "value": { "total": [{ "numeric": [">", "100"] }] } }
'''» `filter.pattern` cannot be used: `value.total[0].numeric`: this is no comparison with one number or two; write ["=", 5], [">", 0] or, with the lower bound first, [">=", 0, "<", 10]"#,
        ],
    ),
    (
        r#"SOURCE
[filter]
pattern = '{}'"#,
        &[
            r#"E1003 3:1 «[filter]» `filter`: expected an array of tables, found a table; write each of them as [[filter]]"#,
        ],
    ),
    (
        r#"filter = []
SOURCE
"#,
        &[r#"E1004 1:10 «[]» `filter` is empty, so no record would match; leave it out, and every record is handled"#],
    ),
    (
        r#"filter = ["{}"]
SOURCE
"#,
        &[
            r#"E1003 1:10 «["{}"]» `filter`: expected an array of tables, found an array; write each of them as [[filter]]"#,
        ],
    ),
    (
        r#"SOURCE
[batch]
max-records = 0
max-bytes = "1"
max-wait = 5"#,
        &[
            r#"E1004 4:15 «0» `batch.max-records` is out of range: 0; between 1 and 10000"#,
            r#"E1004 5:13 «"1"» `batch.max-bytes`: "1" is no size; give a whole number with a unit, such as "64KiB", "1MiB" or "1MB""#,
            r#"E1003 6:12 «5» `batch.max-wait`: expected a duration, found an integer; give a number with a unit, such as "50ms", "5s" or "24h""#,
        ],
    ),
    (
        r#"SOURCE
[sink]
topic = "orders""#,
        &[
            r#"E1011 4:9 «"orders"» the function reads "orders", which it writes itself; write to another topic; each result would come back as a record"#,
        ],
    ),
    (
        r#"SOURCE
[sink]
topic = "out"
also = ["out", "orders"]"#,
        &[
            r#"E1004 5:9 «"out"» topic "out" is listed twice; remove one of them"#,
            r#"E1011 5:16 «"orders"» the function reads "orders", which it writes itself; write to another topic; each result would come back as a record"#,
        ],
    ),
    (
        r#"SOURCE
[sink]
topic = "__consumer_offsets"
also = ["_eddyline.functions"]"#,
        &[
            r#"E1008 4:9 «"__consumer_offsets"» "__consumer_offsets" is an internal topic, functions cannot write to it; choose a name that starts neither with __ nor with _eddyline."#,
            r#"E1008 5:9 «"_eddyline.functions"» "_eddyline.functions" is an internal topic, functions cannot write to it; choose a name that starts neither with __ nor with _eddyline."#,
        ],
    ),
    (
        r#"SOURCE
[dead-letter]
topic = "orders""#,
        &[
            r#"E1011 4:9 «"orders"» the function reads "orders", which it writes itself; write to another topic; each result would come back as a record"#,
        ],
    ),
    (
        r#"[source]
topics = ["a", "enrich.dead-letter"]"#,
        &[
            r#"E1011 2:16 «"enrich.dead-letter"» the function reads "enrich.dead-letter", its own dead-letter topic; choose another `dead-letter.topic`, or read these records by another function"#,
        ],
    ),
    (
        r#"SOURCE
[delivery]
guarantee = "exactly-once"
order = "key"
concurrency = 4"#,
        &[
            r#"E1014 6:15 «4» `concurrency = 4` is not supported yet with exactly-once; leave it at 1, or use guarantee = "at-least-once""#,
        ],
    ),
    (
        r#"SOURCE
[delivery]
concurrency = 4"#,
        &[
            r#"E1004 4:15 «4» `concurrency = 4` cannot keep the order by partition; leave it at 1, or relax the order: order = "key" or "none""#,
        ],
    ),
    (
        r#"SOURCE
[delivery]
concurrency = 0
commit-interval = "1m""#,
        &[
            r#"E1004 4:15 «0» `delivery.concurrency` is out of range: 0; between 1 and 1000"#,
            r#"E1004 5:19 «"1m"» `delivery.commit-interval` is out of range: 1m; between 1ms and 10s"#,
        ],
    ),
    (
        r#"SOURCE
[retry]
max-attempts = 0
backoff = { initial = "1m" }"#,
        &[
            r#"E1004 4:16 «0» `retry.max-attempts` is out of range: 0; between 1 and 1000"#,
            r#"E1004 5:11 «{ initial = "1m" }» the first backoff, 1m, is longer than the longest, 30s; make `initial` at most `max`"#,
        ],
    ),
    (
        r#"SOURCE
[retry]
backoff = "200ms"
max-age = "forever""#,
        &[
            r#"E1003 4:11 «"200ms"» `retry.backoff`: expected a table, found a string; write it as [retry.backoff]"#,
            r#"E1004 5:11 «"forever"» `retry.max-age`: "forever" is no duration; give a number with a unit, such as "50ms", "5s" or "24h""#,
        ],
    ),
    (
        r#"SOURCE
[dead-letter]
enabled = "yes""#,
        &[
            r#"E1003 4:11 «"yes"» `dead-letter.enabled`: expected true or false, found a string; write true or false, without quotes"#,
        ],
    ),
    (
        r#"SOURCE
[limits]
cpu = "0ms"
heap = "1TiB"
results = -1
output = "0B""#,
        &[
            r#"E1004 4:7 «"0ms"» `limits.cpu` is out of range: 0ms; between 1ms and 10m"#,
            r#"E1004 5:8 «"1TiB"» `limits.heap`: "1TiB" is no size; give a whole number with a unit, such as "64KiB", "1MiB" or "1MB""#,
            r#"E1004 6:11 «-1» `limits.results` is out of range: -1; between 1 and 1000000"#,
            r#"E1004 7:10 «"0B"» `limits.output` is out of range: 0B; between 1B and 256MiB"#,
        ],
    ),
    (
        r#"SOURCE
[limits]
cpu = "2m"
fetches = 1001"#,
        &[
            r#"E1018 4:7 «"2m"» `limits.cpu` is 2m, but this node allows at most 1m; ask for at most 1m, or raise `cpu` under [limits.max] in the node's configuration"#,
            r#"E1018 5:11 «1001» `limits.fetches` is 1001, but this node allows at most 1000; ask for at most 1000, or raise `fetches` under [limits.max] in the node's configuration"#,
        ],
    ),
    (
        r#"SOURCE
[permissions]
net = ["api.example.com", "*", "https://b.example", "10.0.0.1:80", "c.example:0"]
private-net = ["1.1.1.1", "localhost", "0.0.0.0", 5]"#,
        &[
            r#"E1019 4:27 «"*"» "*" is no host: a wildcard stands only for the subdomains of a host; write "*.example.com"; a host itself and other hosts are named one by one"#,
            r#"E1019 4:32 «"https://b.example"» "https://b.example" is no host: it is a URL and not a host; leave out what is before and behind the host and its port"#,
            r#"E1019 4:53 «"10.0.0.1:80"» "10.0.0.1:80" is a private address; move it to `private-net`"#,
            r#"E1019 4:68 «"c.example:0"» "c.example:0" is no host: its port is no number from 1 to 65535; write a host with or without a port: "api.example.com", "*.example.com:8443", "[::1]:8080""#,
            r#"E1019 5:16 «"1.1.1.1"» "1.1.1.1" is a public address; move it to `net`"#,
            r#"E1019 5:40 «"0.0.0.0"» "0.0.0.0" is not the address of a host; name a host that can be connected to"#,
            r#"E1003 5:51 «5» `permissions.private-net`: expected a string, found an integer; put it in quotes"#,
        ],
    ),
    (
        r#"SOURCE
[env]
max-price = "1"
A = 5"#,
        &[
            r#"E1012 4:1 «max-price» "max-price" cannot be the name of a variable; use letters, digits and underscores, not starting with a digit"#,
            r#"E1003 5:5 «5» `env.A`: expected a string, found an integer; put it in quotes"#,
        ],
    ),
    (
        r#"SOURCE
[env]
A = "x"
[secrets]
A = { env = "B" }"#,
        &[r#"E1010 6:1 «A» `A` is both a variable and a secret; rename one of them"#],
    ),
    (
        r#"SOURCE
[secrets]
A = {}
B = { env = "X", file = "/x" }
C = { file = "x" }
D = { envv = "X" }"#,
        &[
            r#"E1005 4:5 «{}» `secrets.A` does not say where the secret is found; say where it is found: { env = "NAME" } or { file = "/run/secrets/name" }"#,
            r#"E1010 5:5 «{ env = "X", file = "/x" }» `secrets.B` has two sources; keep `env` or `file`"#,
            r#"E1004 6:14 «"x"» `secrets.C.file` is not an absolute path: "x"; start it with /"#,
            r#"E1005 7:5 «{ envv = *** }» `secrets.D` does not say where the secret is found; say where it is found: { env = "NAME" } or { file = "/run/secrets/name" }"#,
            r#"E1002 7:7 «envv» unknown key `secrets.D.envv`; did you mean `env`?"#,
        ],
    ),
    (
        r#"SOURCE
[source]
topics = ["twice"]"#,
        &[r#"E1001 3:2 «source» not valid TOML: duplicate key"#],
    ),
    (
        r#"SOURCE
[sink
topic = "x""#,
        &[r#"E1001 3:6 «» not valid TOML: unclosed table, expected `]`"#],
    ),
];
