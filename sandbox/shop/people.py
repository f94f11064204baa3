"""People: who buys at Formosa Goods, plausible customers, some with names that try to break a
message.
"""

from __future__ import annotations

import random
import sqlite3

__all__ = ["BANKS", "COURIERS", "CUSTOMERS", "insert_customers"]

CUSTOMERS = 320
COURIERS = ("blackcat", "hsinchu", "post")
BANKS = (
    "004 臺灣銀行",
    "005 土地銀行",
    "006 合作金庫",
    "007 第一銀行",
    "008 華南銀行",
    "009 彰化銀行",
    "012 台北富邦",
    "013 國泰世華",
    "017 兆豐銀行",
    "803 聯邦銀行",
    "807 永豐銀行",
    "808 玉山銀行",
    "812 台新銀行",
    "822 中國信託",
)
# Marks of several systems inside names: nobody may be pinged, nothing may turn bold by them.
HOSTILE = (
    "<!channel> 陳",
    "*bold* 林_小姐_",
    "王小明 🎁🎉",
    "<@U0MEI> 李",
    "`code` ~strike~ 張",
    "<https://example.invalid|點我領獎>",
    "O'Brien; DROP TABLE orders;--",
    '"><script>alert(1)</script>',
    "{{ 7*7 }} {% raw %}",
    "=HYPERLINK(1)",
    "黃\u202e明大",
    "👩‍👩‍👧‍👦 家",
)
_SURNAMES = "陳林黃張李王吳劉蔡楊許鄭謝郭洪邱曾廖賴徐周葉蘇莊呂江何蕭羅高"
_GIVEN = (
    *("怡君", "志明", "雅婷", "俊宏", "淑芬", "建宏", "美玲", "冠宇", "佩珊", "承恩"),
    *("欣怡", "家豪", "詩涵", "宗翰", "宜蓁", "柏翰", "雅雯", "彥廷", "思妤", "信宏"),
    *("郁婷", "品睿", "惠如", "子軒", "靜怡", "哲瑋", "曉薇", "明哲", "秀英", "文雄"),
)
_LATIN = (
    "Emma Chen",
    "Daniel Ho",
    "Priya Nair",
    "Lucas Meyer",
    "Hana Sato",
    "Minh Tran",
    "Grace Lin",
    "Tom Wu",
)
_CITIES = (
    ("臺北市", "大安區", "和平東路"),
    ("臺北市", "信義區", "松仁路"),
    ("新北市", "板橋區", "文化路"),
    ("桃園市", "中壢區", "中央西路"),
    ("新竹市", "東區", "光復路"),
    ("臺中市", "西屯區", "臺灣大道"),
    ("臺南市", "東區", "長榮路"),
    ("高雄市", "左營區", "博愛二路"),
    ("花蓮市", "", "中山路"),
)


def insert_customers(c: sqlite3.Connection, rng: random.Random) -> None:
    """The shop's regular customers. Six in ten have LINE; the phone numbers are not in service."""
    rows = []
    for index in range(1, CUSTOMERS + 1):
        english = index % 8 == 0
        if index % 25 == 3:
            name = HOSTILE[(index // 25) % len(HOSTILE)]
        elif english:
            name = rng.choice(_LATIN)
        else:
            name = rng.choice(_SURNAMES) + rng.choice(_GIVEN)
        city, district, road = rng.choice(_CITIES)
        address = f"{city}{district}{road}{rng.randint(1, 320)}號{rng.randint(2, 12)}樓"
        line = f"line-{index:04d}" if index % 5 < 3 else None
        rows.append(
            (
                index,
                name,
                f"09{rng.randint(0, 99):02d}-000-{index:03d}",
                f"customer{index}@example.com",
                line,
                address,
                "en" if english else "zh-Hant",
            )
        )
    c.executemany("INSERT INTO customers VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
