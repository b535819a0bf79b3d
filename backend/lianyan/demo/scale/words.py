"""Titles of the large portal: put together from words, in both languages."""

SCENES = (
    ("课堂教学", "classrooms"), ("手术培训", "surgical training"), ("城市内涝", "urban floods"),
    ("智能工厂", "smart factories"), ("文物展陈", "museum displays"), ("社区养老", "elderly care"),
    ("气象预警", "weather warnings"), ("港口调度", "port operations"), ("农田灌溉", "irrigation"),
    ("应急演练", "emergency drills"), ("轨道交通", "rail transit"), ("电力巡检", "grid inspection"),
    ("乡村旅游", "rural tourism"), ("心理辅导", "counselling"), ("航空维修", "aircraft repair"),
    ("矿山安全", "mine safety"), ("校园开放日", "open days"), ("残障出行", "accessible travel"),
    ("水质监测", "water monitoring"), ("远程会诊", "remote consultation"),
)  # fmt: skip
METHODS = (
    ("虚拟现实", "virtual reality"), ("增强现实", "augmented reality"), ("数字孪生", "digital twins"),
    ("三维重建", "3D reconstruction"), ("动作捕捉", "motion capture"), ("触觉反馈", "haptic feedback"),
    ("知识图谱", "knowledge graphs"), ("边缘计算", "edge computing"), ("语音合成", "speech synthesis"),
    ("可信身份", "verifiable identity"), ("眼动分析", "gaze analysis"), ("空间音频", "spatial audio"),
    ("虚拟化身", "avatars"), ("隐私计算", "private computation"), ("实时渲染", "real-time rendering"),
    ("物联感知", "connected sensing"),
)  # fmt: skip
AIMS = (
    ("效果评估", "evaluation"), ("关键技术", "key techniques"), ("示范应用", "demonstration"),
    ("标准预研", "standards groundwork"), ("平台建设", "platform building"), ("互认机制", "mutual recognition"),
    ("风险识别", "risk detection"), ("适老化设计", "design for older people"), ("数据集构建", "data sets"),
    ("人才培养", "training of people"),
)  # fmt: skip
PLACES = ("东湖", "西岭", "南浦", "北辰", "中州", "海晏", "江左", "河西", "云岭", "平川")
KINDS = (
    ("大学", "University", "university"),
    ("科技公司", "Technology Company", "company"),
    ("医院", "Hospital", "hospital"),
    ("研究所", "Institute", "institute"),
)
SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严金魏陶姜"
GIVEN = "文远清和明德思齐若谷怀瑾行健致知博雅景行子安一凡"


def title(draw: int) -> tuple[str, str]:
    """Return a title in Chinese and in English."""
    scene, draw = SCENES[draw % len(SCENES)], draw // len(SCENES)
    method, draw = METHODS[draw % len(METHODS)], draw // len(METHODS)
    aim = AIMS[draw % len(AIMS)]
    return (
        f"面向{scene[0]}的{method[0]}{aim[0]}研究",
        f"{method[1].capitalize()} for {scene[1]}: {aim[1]}",
    )


def person(number: int) -> str:
    """Return a name that says of itself that nobody bears it."""
    first = SURNAMES[number % len(SURNAMES)]
    return f"{first}{GIVEN[number // 7 % len(GIVEN)]}（示例 {number}）"


def institution(number: int) -> tuple[str, str, str]:
    """Return name, English name and kind of an institution."""
    place, kind = PLACES[number % len(PLACES)], KINDS[number // len(PLACES) % len(KINDS)]
    return f"{place}示例{kind[0]} {number}", f"Sample {kind[1]} {number}", kind[2]
