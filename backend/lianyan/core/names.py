"""Names as people order and look for them: by sound, with the readings that surnames have.

A sort key holds digits and small letters only, so every collation orders it alike: numbers first
by value, then Han by sound, tone and character, then Latin, then other scripts. Blanks and
punctuation do not count.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from lianyan.core.text import code

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST_PERSON = 4
"""A name of at most so many Han characters, and nothing else, may be a person's: surname first."""

# Characters whose reading as a surname is not the usual one, with the tone.
READINGS = {
    "曾": "zeng1", "沈": "shen3", "仇": "qiu2", "解": "xie4", "单": "shan4", "区": "ou1",
    "查": "zha1", "盖": "ge3", "任": "ren2", "朴": "piao2", "华": "hua4", "纪": "ji3",
    "缪": "miao4", "员": "yun4", "乐": "yue4", "翟": "zhai2", "秘": "bi4", "冼": "xian3",
    "洗": "xian3", "折": "she2", "覃": "qin2", "种": "chong2", "繁": "po2", "召": "shao4",
    "祭": "zhai4", "葛": "ge3", "牟": "mu4", "隗": "wei3", "贲": "ben1", "佴": "nai4",
    "应": "ying1", "燕": "yan1", "宁": "ning4", "过": "guo1", "干": "gan1", "柏": "bai3",
    "那": "na1", "哈": "ha3", "车": "che1", "都": "du1", "句": "gou1", "谌": "chen2",
    "於": "yu1", "臧": "zang1", "尉": "wei4", "黑": "he4", "晁": "chao2", "郇": "xun2",
    "眭": "sui1", "仉": "zhang3", "撒": "sa4", "幺": "yao1", "缴": "jiao3", "曲": "qu1",
    "尹": "yin3", "卜": "bu3", "逄": "pang2", "长": "zhang3", "万": "wan4", "石": "shi2",
}  # fmt: skip

COMPOUND = {
    "欧阳": "ou1 yang2", "司马": "si1 ma3", "上官": "shang4 guan1", "诸葛": "zhu1 ge3",
    "夏侯": "xia4 hou2", "皇甫": "huang2 fu3", "尉迟": "yu4 chi2", "公孙": "gong1 sun1",
    "慕容": "mu4 rong2", "令狐": "ling2 hu2", "长孙": "zhang3 sun1", "宇文": "yu3 wen2",
    "司徒": "si1 tu2", "司空": "si1 kong1", "轩辕": "xuan1 yuan2", "东方": "dong1 fang1",
    "独孤": "du2 gu1", "南宫": "nan2 gong1", "西门": "xi1 men2", "端木": "duan1 mu4",
    "澹台": "tan2 tai2", "万俟": "mo4 qi2", "单于": "chan2 yu2", "申屠": "shen1 tu2",
    "太史": "tai4 shi3", "钟离": "zhong1 li2", "闻人": "wen2 ren2", "赫连": "he4 lian2",
    "呼延": "hu1 yan2", "百里": "bai3 li3", "东郭": "dong1 guo1", "拓跋": "tuo4 ba2",
    "濮阳": "pu2 yang2", "淳于": "chun2 yu2", "公冶": "gong1 ye3", "宗政": "zong1 zheng4",
    "第五": "di4 wu3", "左丘": "zuo3 qiu1", "梁丘": "liang2 qiu1", "鲜于": "xian1 yu2",
    "闾丘": "lv2 qiu1", "亓官": "qi2 guan1", "子车": "zi3 ju1", "巫马": "wu1 ma3",
    "公西": "gong1 xi1", "漆雕": "qi1 diao1", "乐正": "yue4 zheng4", "壤驷": "rang3 si4",
    "夹谷": "jia2 gu3", "宰父": "zai3 fu3", "谷梁": "gu3 liang2", "段干": "duan4 gan1",
}  # fmt: skip

_HAN = r"\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_PIECE = re.compile(rf"(?P<han>[{_HAN}]+)|(?P<digits>[0-9]+)|(?P<latin>[a-z]+)|(?P<other>[^\W_])")
_ONLY_HAN = re.compile(rf"[{_HAN}]+")
_READ = re.compile(r"[a-z]+[1-5]")
_MARKS = re.compile(r"[\u0300-\u036f]")
_SHORT = 2


def sort_key(name: str) -> str:
    """Return the key by which every list orders `name`: page, export and API alike."""
    return "".join(_keys(name))


def surname(name: str) -> str:
    """Return the surname of a Chinese name, a compound one whole; else the first word."""
    plain = unicodedata.normalize("NFC", name).strip()
    if plain[:2] in COMPOUND:
        return plain[:2]
    return plain[:1] if _ONLY_HAN.match(plain) else plain.split(maxsplit=1)[0] if plain else ""


def search_keys(*names: str | None) -> str:
    """Return what a search for any of `names` may hit, one key a line.

    Each name is there as written, in full pinyin and in initials, without blanks and signs.
    """
    found: dict[str, None] = {}
    for name in names:
        if name:
            found |= dict.fromkeys(_searched(name))
    return "\n".join(key for key in found if key)


def search_query(text: str) -> str:
    """Return `text` as it is looked for in `search_keys`: folded, without blanks and signs."""
    return "".join(piece[0] for piece in _PIECE.finditer(_plain(text)))


def matches(keys: str, query: str) -> bool:
    """Say whether a search for `query` hits `keys`; one or two letters must begin a key."""
    wanted = search_query(query)
    if wanted.isascii() and len(wanted) <= _SHORT:
        return f"\n{wanted}" in f"\n{keys}"
    return wanted in keys


def _searched(name: str) -> Iterator[str]:
    yield search_query(name)
    plain = _plain(name)
    for as_person in (False, True):
        sounds, initials = "", ""
        for piece in _PIECE.finditer(plain):
            if piece["han"]:
                read = [r.rstrip("12345") for r in _read(piece["han"], as_person=as_person)]
                sounds += "".join(read)
                initials += "".join(r[:1] for r in read)
            else:
                sounds += piece[0]
                initials += piece[0][:1] if " " in plain and piece["latin"] else piece[0]
        yield sounds
        yield initials


def _keys(name: str) -> Iterator[str]:
    plain = _plain(name)
    joined = plain.replace(" ", "")
    person = _ONLY_HAN.fullmatch(joined) is not None
    if person:
        plain = joined
    for piece in _PIECE.finditer(plain):
        if piece["han"]:
            for sign, read in zip(piece[0], _read(piece[0], as_person=person), strict=True):
                known = _READ.fullmatch(read)
                yield f"1{read}{ord(sign):05x}" if known else f"3{ord(sign):06x}"
        elif piece["digits"]:
            number = piece[0].lstrip("0")[:98]
            yield f"0{len(number):02d}{number}"
        elif piece["latin"]:
            yield f"2{piece[0]}"
        else:
            yield f"3{ord(piece[0]):06x}"


def _read(han: str, *, as_person: bool) -> list[str]:
    """Return one reading for each character, its tone at the end; the character if it has none."""
    start: list[str] = []
    if as_person and len(han) <= LONGEST_PERSON:
        if han[:2] in COMPOUND and len(han) > len(han[:2]):
            start = COMPOUND[han[:2]].split()
        elif han[0] in READINGS and len(han) > 1:
            start = [READINGS[han[0]]]
    return start + _pinyin()(han[len(start) :])


def _plain(text: str) -> str:
    """Return `text` folded, compatible forms made one, Latin letters without their marks."""
    return unicodedata.normalize("NFC", _MARKS.sub("", unicodedata.normalize("NFKD", code(text))))


@cache
def _pinyin() -> "Callable[[str], list[str]]":
    # Loaded at the first name and not at start: the dictionary costs more than all else here.
    from pypinyin import Style, lazy_pinyin  # noqa: PLC0415

    def read(han: str) -> list[str]:
        return lazy_pinyin(
            han,
            style=Style.TONE3,
            errors=list,  # type: ignore[arg-type]  # a list is taken too: one entry a character
            neutral_tone_with_five=True,
            strict=False,
        )

    return read
