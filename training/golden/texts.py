"""The texts that tiny tokenizers learn from, and those that models are asked about."""

# ruff: noqa: RUF001 - letters of many alphabets

CORPUS = [
    "The soup was warm and the bread was fresh, and we would come back for both.",
    "The parcel arrived a week late, its corner torn, and nobody answered my letters.",
    "A quiet room with a view of the harbour; breakfast is served from seven to ten.",
    "My order number is 48213 and I paid 19.99 for two bags of roasted coffee.",
    "Please send the invoice to the office in Lisbon before the end of March.",
    "How do I change the address of my account, and how long does it take?",
    "The engine starts, runs for a minute and then stops without any warning.",
    "Maria Santos moved from Porto to Geneva, where she works for the Red Cross.",
    "In 1889 the tower was the tallest building in the world, at 300 metres.",
    "Rain is expected in the north tonight; the south stays dry and windy.",
    "The river Danube rises in the Black Forest and flows through Vienna and Budapest.",
    "It does not work: unbelievable, unhappy, unusable. I want my money back!",
    "What a wonderful present, thank you, thank you so much!",
    "Die Lieferung kam pünktlich, der Kaffee schmeckt großartig und günstig war er auch.",
    "Le café est délicieux, mais la livraison était très lente cet été.",
    "El niño comió una manzana y después durmió la siesta en el jardín.",
    "Хлеб был свежий, а суп холодный; мы больше не придём.",
    "このコーヒーはとても美味しいです。また注文します。",
    "咖啡很好喝，送货也很快，谢谢。",
    "القهوة لذيذة والتوصيل سريع، شكرا لكم",
]

INPUTS = [
    "The coffee was wonderful and arrived in time.",
    "Unbelievable: the parcel came torn and late!",
    "",
    " ",
    "a",
    "Thank you",
    "naïve café, cafe\u0301, CAFÉ — “quoted”\u2026 and\tTAB\nnew line",
    "日本語のテキストと中文 mixed with English, и немного русского",
    "القهوة لذيذة 🙂🚀👩\u200d🚀 emoji \ufeff zero\u200bwidth \x00 null",
    "[CLS] special <s> tokens </s> [SEP] inside [MASK] <mask> text",
    "   leading and trailing   spaces   ",
    "supercalifragilisticexpialidocious" * 3,
    "The soup was warm and the bread was fresh. " * 12,
]
"""Mixed lengths in one list: empty, one letter, far beyond the longest that a tiny model takes."""

PAIRS = [
    ("The soup was warm.", "The soup was hot."),
    ("How do I change my address?", "Open your account and choose a new address."),
    ("", "the first text is empty"),
    ("the second text is empty", ""),
    ("short", "The parcel arrived a week late and nobody answered my letters. " * 6),
    ("The parcel arrived a week late and nobody answered my letters. " * 6, "short"),
    ("日本語", "emoji 🚀 and naïve café"),
]

NAMES = [
    "Maria Santos moved from Porto to Geneva.",
    "In Vienna and Budapest, Jean-Luc Müller met O'Neill of the Red Cross Society.",
    "unbelievable unhappiness in Liechtenstein",
    "emoji 🚀 before Tokyo 東京 and São Paulo",
    "",
    "A harbour, a tower; a river... 300 metres (Danube).",
    "Porto " * 40,
]

QUESTIONS = [
    ("Where does Maria work?", "Maria Santos moved from Porto to Geneva, where she works for the Red Cross."),
    ("How tall was the tower?", "In 1889 the tower was the tallest building in the world, at 300 metres."),
    ("Où est le café?", "Le café est délicieux, mais la livraison était très lente cet été."),
    ("What flows?", " ".join(CORPUS[:14])),
    ("Which emoji?", "A rocket 🚀 flies, then 東京 sleeps."),
]
"""One context is longer than a window: it is read in windows that overlap."""

LABELLED = [
    ("The soup was warm and the bread was fresh.", ["food", "travel", "weather"]),
    ("Rain is expected in the north tonight.", ["weather", "food"]),
    ("How do I change the address of my account?", ["account", "delivery", "praise", "complaint"]),
    ("naïve 🚀", ["one"]),
]
"""Texts with candidate labels of their own: other numbers of labels in one list."""
