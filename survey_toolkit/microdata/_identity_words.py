"""Words by which columns and labels tell that they name a person, in the languages the files come in.

English, French, Spanish, Portuguese, Khmer, Lao, Thai, Vietnamese, Burmese, Chinese, Indonesian, Russian
and Arabic. They are searched in names as whole words, in labels as phrases.
"""

from __future__ import annotations

__all__ = ["ANY_WORDS", "KEY_WORDS", "PERSONS", "PLACES", "QUANTITIES", "STEMS", "TEXT_STEMS", "TEXT_WORDS"]


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


#: Kind to whole words in a column name, and phrases in a label; for columns of text.
TEXT_WORDS: dict[str, tuple[frozenset[str], tuple[str, ...]]] = {
    "name": (
        _set("name names firstname lastname surname fullname respname nickname nombre nombres apellido "
             "apellidos nom noms prenom prénom nama nome sobrenome instancename hoten имя фамилия"),
        ("name of", "first name", "last name", "full name", "second name", "'s name", "surname", "nickname",
         "name", "nombre", "nombres", "apellido", "apellidos", "nom et prénom", "nom", "noms", "prénom",
         "prénoms", "nome", "sobrenome", "họ và tên", "họ tên", "họ, tên", "tên", "ho va ten", "ho ten",
         "ชื่อ", "นามสกุล", "ឈ្មោះ", "គោត្តនាម", "នាមត្រកូល", "ຊື່", "ນາມສະກຸນ", "အမည်", "နာမည်", "姓名", "名字",
         "nama", "имя", "фамилия", "ф.и.о", "фио", "اسم", "الاسم"),
    ),
    "address": (
        _set("address addr street direccion dirección domicilio adresse village mailing postal zip calle rue "
             "alamat endereco endereço diachi адрес"),
        ("address", "street", "house number", "village name", "name of village", "dirección", "domicilio",
         "calle", "adresse", "rue", "endereço", "địa chỉ", "số nhà", "dia chi", "ที่อยู่", "บ้านเลขที่",
         "អាសយដ្ឋាន", "ផ្ទះលេខ", "ທີ່ຢູ່", "ເຮືອນເລກທີ", "လိပ်စာ", "地址", "alamat", "адрес", "عنوان",
         "zip/postal code", "mailing city"),
    ),
    "account": (
        _set("facebook whatsapp telegram wechat viber instagram tiktok zalo username submitter"),
        ("facebook", "telegram", "wechat", "zalo", "line id", "user name", "nom d'utilisateur",
         "nombre de usuario", "submitted by"),
    ),
    "picture or recording": (
        _set("photo picture image signature audio video recording selfie foto firma"),
        ("photo", "picture", "signature", "audio recording", "voice recording", "foto", "fotografía", "firma",
         "photographie", "ảnh", "chữ ký", "รูปถ่าย", "ลายเซ็น", "រូបថត", "ហត្ថលេខា", "ຮູບຖ່າຍ", "ລາຍເຊັນ"),
    ),
}  # fmt: skip
#: The same, for columns of text or numbers.
ANY_WORDS: dict[str, tuple[frozenset[str], tuple[str, ...]]] = {
    "phone": (
        _set("phone telephone mobile cellphone tel telefono teléfono celular movil móvil portable gsm "
             "whatsapp homephone telefone sdt sđt dienthoai téléphone телефон"),
        ("phone", "phone number", "telephone", "mobile number", "mobile phone", "contact number",
         "teléfono", "celular", "número de móvil", "téléphone", "numéro de portable", "numéro de gsm",
         "telefone", "telemóvel", "điện thoại", "số di động", "sđt", "dien thoai", "โทรศัพท์", "เบอร์โทร",
         "เบอร์มือถือ", "ទូរស័ព្ទ", "លេខទូរស័ព្ទ", "ເບີໂທ", "ໂທລະສັບ", "ဖုန်း", "电话", "手机",
         "nomor telepon", "nomor hp", "телефон", "هاتف"),
    ),
    "e-mail": (
        _set("email mail correo courriel"),
        ("e-mail", "email", "correo electrónico", "courriel", "adresse électronique", "thư điện tử", "อีเมล",
         "អ៊ីមែល", "អ៊ីម៉ែល", "ອີເມວ", "အီးမေးလ်", "邮箱", "электронная почта"),
    ),
    "position": (
        _set("gps latitude longitude lat lon lng latitud longitud geopoint geotrace geoshape geolocation "
             "geolocalisation coordinates coordenadas coordonnées coordonnees"),
        ("gps", "latitude", "longitude", "coordinates", "geolocation", "latitud", "longitud", "coordenadas",
         "coordonnées", "géolocalisation", "vĩ độ", "kinh độ", "tọa độ", "toạ độ", "ละติจูด", "ลองจิจูด",
         "พิกัด", "រយៈទទឹង", "រយៈបណ្តោយ", "និយាមកា", "កូអរដោនេ", "ເສັ້ນຂະໜານ", "ເສັ້ນແວງ", "ພິກັດ", "လတ္တီတွဒ်",
         "经度", "纬度", "坐标", "широта", "долгота", "координаты"),
    ),
    "document": (
        _set("passport passeport pasaporte ssn nid cnic nik nin cni cedula cédula nationalid idcard dni curp "
             "cpf cmnd cccd aadhaar"),
        ("passport number", "passport", "national id", "national identification", "identity card",
         "identity number", "id card number", "id number", "social security number",
         "birth certificate number", "cédula", "dni", "curp", "documento de identidad",
         "número de identificación", "pasaporte", "passeport", "carte d'identité", "carte nationale",
         "numéro d'identification", "bilhete de identidade", "căn cước", "chứng minh", "cmnd", "cccd",
         "hộ chiếu", "บัตรประชาชน", "เลขประจำตัวประชาชน", "หนังสือเดินทาง", "អត្តសញ្ញាណប័ណ្ណ", "លិខិតឆ្លងដែន",
         "ບັດປະຈຳຕົວ", "ບັດປະຈໍາຕົວ", "ໜັງສືຜ່ານແດນ", "ປຶ້ມສຳມະໂນຄົວ", "မှတ်ပုံတင်", "身份证", "护照",
         "nomor induk", "паспорт", "جواز"),
    ),
    "device": (
        _set("imei deviceid simserial subscriberid simid macaddress phonenumber"),
        ("device id", "imei", "serial number of the device"),
    ),
}  # fmt: skip
#: What in a column name leaves no doubt, wherever it stands.
STEMS: tuple[tuple[str, str], ...] = (
    ("gps", "position"), ("latitud", "position"), ("longitud", "position"), ("geopoint", "position"),
    ("coordonn", "position"), ("coordenad", "position"), ("telephon", "phone"), ("telefon", "phone"),
    ("phonenum", "phone"), ("cellphone", "phone"), ("passport", "document"), ("pasaporte", "document"),
    ("passeport", "document"), ("deviceid", "device"), ("imei", "device"), ("email", "e-mail"),
)  # fmt: skip
#: The same, for columns of text.
TEXT_STEMS: tuple[tuple[str, str], ...] = (
    ("firstname", "name"), ("lastname", "name"), ("surname", "name"), ("fullname", "name"),
    ("apellido", "name"), ("prenom", "name"), ("instancename", "name"), ("submittedby", "account"),
    ("username", "account"), ("signature", "picture or recording"),
)  # fmt: skip
#: Whose name a coded column may list in its labels.
PERSONS = (
    "interviewer", "enumerator", "supervisor", "respondent", "head of household", "household head", "member",
    "child", "mother", "father", "encuestador", "encuestadora", "supervisora", "entrevistador",
    "entrevistadora", "jefe", "enquêteur", "enquêtrice", "enquêté", "superviseur", "chef de ménage",
    "điều tra viên", "chủ hộ", "ผู้สัมภาษณ์", "พนักงานสัมภาษณ์", "หัวหน้าครัวเรือน", "អ្នកសម្ភាស", "មេគ្រួសារ",
    "ຜູ້ສຳພາດ", "ຫົວໜ້າຄອບຄົວ",
)  # fmt: skip
#: Areas have names too; they repeat from row to row.
PLACES = _set(
    "province prov provincia region región district distrito department departamento depto dpto département "
    "municipality municipio commune comuna county state country pays pais país tỉnh huyện xã khan srok "
    "ខេត្ត ស្រុក ឃុំ จังหวัด อำเภอ ตำบล ແຂວງ ເມືອງ"
)
#: Words that mark a key of the survey: it is no direct identifier, and files are joined by it.
KEY_WORDS = _set(
    "hh hhid household hogar vivienda menage id key psu upm ea cluster conglomerado grappe line caseid "
    "uuid person persona serial"
)
#: Words of long numbers that count something, or tell a time.
QUANTITIES = _set(
    "time date start end timestamp income ingreso revenu wage salary amount monto montant total value weight "
    "wgt fexp factor pondera population price"
)
