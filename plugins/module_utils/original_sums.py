# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""The sha256 sums of the files of the manual release, by path: every commit that its branches and tags reach.

Made by scripts/original_sums.py from 10 commits (from 7e8830b to 7b23bcb); 104 files. Do not edit.
"""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

SUMS = {
    ".assets/image-20220308093125263.png": (
        "43637f8266e2412ff8c6b626bf9997b4df90264676c2955595563a8f4b6f4526",
    ),
    ".assets/image-20220308093347868.png": (
        "2ff907713c00fa437f6c7c709bdf3242204c8adf6178bfc5c8bd56e7b976562b",
    ),
    ".assets/image-20220308093352054.png": (
        "50e5081612632173cbce97e259211ae738491e05013113ceba334de65a905706",
    ),
    ".assets/image-20220308094618097.png": (
        "5f3315a490de266ba20e8fe2984b9f32be2d2c8ba3c595f951f3d46292305e48",
    ),
    ".assets/image-20220310104115607.png": (
        "b8860cf8522743b78d21b0d1f4df29e9d6a3ff16f951a39414ac034b59fc9b9f",
    ),
    ".assets/image-20220310104123503.png": (
        "d260c4ad979eded9997480c00cd31c6e084b1df85741f27505c53e2446b206e4",
    ),
    ".assets/image-20220310104148539.png": (
        "fb4e7cbdc4158dc147b630eabf14c6b86159b6772b6a524655c5d12dede632bb",
    ),
    ".assets/image-20220310104159892.png": (
        "735638a186ce5f6341a7a0af8939ce66b3e355d6fca35b80dfe1a3baea7b885d",
    ),
    ".assets/image-20220310111827946.png": (
        "27b8607cd7c6649f800e9c55df7ee5cafdf27d0869e695b017c18e4d10d506ee",
    ),
    ".assets/image-20220322163036486.png": (
        "281a27ebe0bb87ccfc45d4fa7c89cefa2ce8604e627fb109503dc303debef215",
    ),
    ".assets/image-20220322163047436.png": (
        "bb1fde35b0c9564963a4fe7faeb0d461c57a3cbcb48890f6616f77efab84ca7c",
    ),
    ".assets/image-20220322163139837.png": (
        "5fbd1e69e13ce07e719de5dce7396880b0d06387b2960380111636460b3a8c95",
    ),
    ".assets/image-20220528172912137.png": (
        "a491ba180355e68df6d0a336cc594afe39514bf36b82845da28eaaa7574beddf",
    ),
    ".assets/image-20220528172935385.png": (
        "a2241155a12bcfdc85a432ecda3355d6837764721b323bf7bef27acfe777948c",
    ),
    ".assets/image-20220528173022143.png": (
        "1e6017f9fd486be3e1733a8edfa86614ce6cd2e34fae8996e913993ca580c3dc",
    ),
    ".assets/image-20220528173146904.png": (
        "37d7d47414b9bdd44e35928eb2ebde5e3ddacf7864d27a1ebddc6e212fe5cc3a",
    ),
    ".assets/image-20220528173702259.png": (
        "c77994b304ac352e1d80cfba78754e3fff70bb63c622ed6a45ee79143d0e006c",
    ),
    ".assets/image-20220528175209558.png": (
        "2c937595ae3faba1a35903387c34a05f77250ea4a1720e939fc9662e220fa172",
    ),
    ".assets/image-20220528175319176.png": (
        "387e0435e7a7bafb33c0fec59279d0d1959e17591dc9f0133419a1d4a995eaee",
    ),
    ".assets/image-20220528175637287.png": (
        "c6df73965f865481b05ccd75dbc92d9558473119b975ea0e84e42d48d0ec949b",
    ),
    ".assets/image-20220528180012312.png": (
        "6b4b7c12c5efd7b16000e11bc8d5fb0e19913c16026e37eb8047b59122dc9ee0",
    ),
    ".assets/image-20220528180016083.png": (
        "227a74eebadf13cde2d7f5bad12efd096ab8b9b3d701efea7498aa6b3273a026",
    ),
    ".assets/image-20220528180056355.png": (
        "381045bdee548e0171f8ed1f4d1cd23462e12e19b64b3410222746ee599b97eb",
    ),
    ".assets/image-20220528180059979.png": (
        "a5d6a1aec2d9022774637079a003d9ae0417e07daba5f67b4cf5827eb0d92865",
    ),
    ".assets/image-20220528181725480.png": (
        "b78e307c76a4c53a31626f7c63a52955d2e20370e1639811a672e6f36066de2d",
    ),
    ".assets/image-20220528181732270.png": (
        "648ff6997da8075693f19bfb4a93abccc032ca91a32a13661a76b77f4de2cf4e",
    ),
    ".assets/image-20220528182022342.png": (
        "ea44ce6e125743165d9c2751cce11d57bef26f7be4d737d85dfd129d9762b583",
    ),
    ".assets/image-20220528182941219.png": (
        "65f84710ffdf7e53fe25fbd4ce025805c2b9ada0b5975388a45aa2d824af7bff",
    ),
    ".assets/image-20220528183421520.png": (
        "a56f76dcda70ca79182eb60a87b270f79392972e669a513bb63f3c659e0a3fa4",
    ),
    ".assets/image-20220609120520676.png": (
        "860100da4026216039437c00d5d3b8a03366fb20c6aa81041d0008afe6aa701c",
    ),
    ".assets/image-20220609120615055.png": (
        "a9dd63d89ed9378be483c8fd39f51c37a219602d0eda61c6e7e000e09f65b3c6",
    ),
    ".assets/image-20220609142318323.png": (
        "9e4acdc878e4261a7d3771b1320b796a731261fea1542cd76e50e2b9bdfad02c",
    ),
    ".assets/image-20220609153010348.png": (
        "5b096aab260905200e7ac59c5c4f51ca79b1f29e6f7146c12bb02a2e1b6c4dc2",
    ),
    ".assets/wecom-temp-373b636eebcfa39ed036e3a6c9ae9223.png": (
        "b0c053b0d1e8fc9efd024ee6f6cb2872685310fb97b1eaf15ec92776c23c9c3c",
    ),
    ".gitignore": (
        "3bb5c1a635b82b89203b925f4b55df06dd94006b07b78d38bdde182c188e1ca4",
    ),
    "README.md": (
        "c35f8ef96ccc9cdc1ac5223a00f7b27bf6c460cf2a5bde5aa9da23ff89513d75",
        "c5a0bbc83f36f231694d2685b6988d6ee2eecaaf74f84778e724ec5acdab2050",
        "46f885b651538773e5eb081f6cfa091714ab8e9c041846ab812532a119230480",
        "f47bb3496d97f541fcc4197cd3f12dcbca2d44fb3bf88ebe9f61fc17e04e4518",
        "f72c9a1c6be83a6bb370af88f2b7f15623985db204439732e4cbbea761bec735",
        "2254e4510e6cc349f5aac230bfa77c08ca3fc9d8e2524f49cb6127f1670d47b0",
        "ab39739babd24de8c2d80c494f6e6c2358e0e6a82dab0fc7b5cffde72443b4db",
    ),
    "__init__.py": (
        "c8f932a0aebff25e2c66060ffcabe21db2e498c7d15feba167fce9e0a53bf4e4",
    ),
    "cmsi/__init__.py": (
        "c8f932a0aebff25e2c66060ffcabe21db2e498c7d15feba167fce9e0a53bf4e4",
    ),
    "cmsi/apidoc/send_mail.js": (
        "07877531de78b8f41bf0363940a0f974b9ab9158e4e5fe664c2e2eea7f71957d",
    ),
    "cmsi/apidoc/send_mp_weixin.js": (
        "41c686550db591756cb87688634ebb13621d51642abe875e2039d138970de15a",
    ),
    "cmsi/apidoc/send_qy_weixin.js": (
        "2623f58e8ef5221825a17c2166e160db1e97a94835a6cfcebc8c9c80e0f81526",
    ),
    "cmsi/apidoc/send_sms.js": (
        "52c5023b63668491c368050a62fb5164ac6334056dd0d7c7599adfe65d005f36",
    ),
    "cmsi/apidoc/send_voice_msg.js": (
        "fb3872c07ae9ddd10e8440862fa5ae153e3c5e732591055783e3fe969901b375",
    ),
    "cmsi/apidoc/send_weixin.js": (
        "d6810167fa9a8fe1815827f3fb6bd2e61609774f5da90a2aae43b9c388a2643f",
    ),
    "cmsi/apidocs/en/get_msg_type.md": (
        "a993bc139ddba89d3843ae7b24960e7234949ead4c50261a3a01fccb71ac0bd4",
    ),
    "cmsi/apidocs/en/send_msg.md": (
        "848ee80c6908eb13547b4e90dc36c8d2b766b6514ee1f51b95e77e80cb8a2f6b",
    ),
    "cmsi/apidocs/zh_hans/get_msg_type.md": (
        "379ad2bcb4c39afcb6b54b73c71d7602b4afe38716b5f769dc38650063d451d1",
    ),
    "cmsi/apidocs/zh_hans/send_msg.md": (
        "e79a87bee22529076116afda11a9ffb0def209d83ab7e98568d090136eba1cb5",
    ),
    "cmsi/get_msg_type.py": (
        "31c442d9feb049a7683a92203c8334f8f53da13c3935c5f1afa1731e70f068b1",
    ),
    "cmsi/send_ding.py": (
        "3d85ffffa579b347b9ed250e7f0209a21f180652f888d35227dae91fa465e8c6",
        "5e39ff258216bf5a44402a0fbfde1a26911172618e4ba8ebd7a0e198ade1ee9b",
        "b34cb6fe137120706cc5861ccccaf2f301094778c3e1ba30bdc84b0d16526b0b",
    ),
    "cmsi/send_dingbot.py": (
        "8a144781dfe525106d9b3f5414cdc8a199d64e69994b8b4135d4c5d61d79c3ea",
        "455b7d07fcb3680ccfc3f6be7cba589a6e5708265a9ab4fc0bdf4b5f827be710",
        "ed4292fa4a2eb6ffbbda3c8538ffb87b84948624fdf496f726d10ec257ade9dd",
    ),
    "cmsi/send_dingtalk.py": (
        "d7d05063f8af49f5baea404ca9cb2d4e8c986b5d873c99fbd1cda6352af3af44",
        "2442c865fb1693719c92842688b582a4f443ebd834becdb9a5fd37d7a7e188bf",
        "3f45fe04f1dcd1e016baf01c104b59d884e866ae20b3ca58062676ad4488546a",
    ),
    "cmsi/send_mail.py": (
        "f0fa9259170b177444a7d0f8312c7d2a9e79455571259963a42d080dd89a3e48",
    ),
    "cmsi/send_mp_weixin.py": (
        "b425d5c567cec74dfe4a6f22253b8e5d31a97eca05250151d7deb449aed02d77",
    ),
    "cmsi/send_msg.py": (
        "ba135dc112b0b2e0438611a8dd96994f52fd4c3b1d8b4fa0038cce855cdb086d",
    ),
    "cmsi/send_qy_weixin.py": (
        "38ee84356d2f0229badcc23eeba6fbd7d1e05c6553a3f3b194df529c02988db6",
    ),
    "cmsi/send_sms.py": (
        "67a845648eb19d36593940ac975c486e2e46ea6a0e2fd9c10524c758eb03e0b1",
    ),
    "cmsi/send_voice_msg.py": (
        "17ea248ee156dc8f8f19728b5cd9077cdf31405c38efa3fb71880b61dac33a00",
    ),
    "cmsi/send_weixin.py": (
        "9a070deafcfaa520446614e3c5986496ad0dc4426ee7f14b3328765d7ca66a2b",
    ),
    "cmsi/toolkit/__init__.py": (
        "c8f932a0aebff25e2c66060ffcabe21db2e498c7d15feba167fce9e0a53bf4e4",
    ),
    "cmsi/toolkit/configs.py": (
        "7cad27cd3bb345dbf6d9209087838fb6b98d4eb313957abc52df6dc4d21fc50a",
        "028f8e1d988e6431024ae2ed828f1894bdb8b30c2aa346213dff40a33c38a67d",
    ),
    "cmsi/toolkit/icons/mail_active.ico": (
        "951eed7fa280ec7963eaf1c41565625e681b674c5e57cbcc7a56a84185a63281",
    ),
    "cmsi/toolkit/icons/mail_unactive.ico": (
        "3688882e2dbcb59c42259ad667e2dc962afd82e8b54bbbee85f9774ad288a790",
    ),
    "cmsi/toolkit/icons/qywx_active.ico": (
        "a3d47a42a57dc70e026be530d874b87972d7e977b235a0d30813302fd9ec86c9",
    ),
    "cmsi/toolkit/icons/qywx_unactive.ico": (
        "fa15b53f79e665fc0983123b24173fe85abcaf327b6adffbdf94eaa9a94ba5d6",
    ),
    "cmsi/toolkit/icons/sms_active.ico": (
        "ed6c2506ca9003ec8c4d9471540a896edfb203a5579e658e4b6032abe3ce1007",
    ),
    "cmsi/toolkit/icons/sms_unactive.ico": (
        "d04facbe100adf71a6010d86fee4ff6d25267610352465a6b975c8dbc2f4dd28",
    ),
    "cmsi/toolkit/icons/voice_active.ico": (
        "53a7a9d0fb2a8c627a273553a626f00f67ab5bf97c4ba9290f15429823db568e",
    ),
    "cmsi/toolkit/icons/voice_unactive.ico": (
        "21724a4d78119f54d9d4a4fe3e0eaa964e71e7b479f73388699b91151f78f58c",
    ),
    "cmsi/toolkit/icons/wx_active.ico": (
        "63d5d6b3cc340c58de4962913af23874be30ee5a4481fad6ec72d299857e127d",
    ),
    "cmsi/toolkit/icons/wx_unactive.ico": (
        "26bf58d079544d8b447d0f9a4119ebdac9ade1fd185e48a4f118e1685a3e06aa",
    ),
    "cmsi/toolkit/icons_v2/default_active.ico": (
        "726d56a8dc54f19e3308e4d0b350a98d045090de29745bb351a48dcb857dfccf",
    ),
    "cmsi/toolkit/icons_v2/default_unactive.ico": (
        "676cda33bafb5db2ec4a04889364b13562b0bfc58199057f556070a96e0693ff",
    ),
    "cmsi/toolkit/icons_v2/dingtalk_active.ico": (
        "46d7d6707c660a622c836927a3a3ba4a5fd76bfae7007833d019e38caaffe6a4",
    ),
    "cmsi/toolkit/icons_v2/dingtalk_unactive.ico": (
        "9d1e51fa054eb74b5994375505a4d37ec329e3994a522d91749a914c726d35f3",
    ),
    "cmsi/toolkit/icons_v2/mail_active.ico": (
        "454530629ca4f808b424d515d1bdc9c4b605de4e7bc5c5c16081c0e5464f6ecb",
    ),
    "cmsi/toolkit/icons_v2/mail_unactive.ico": (
        "43606b22952db5a2b94ecfa9723b08f829b77d6628761f53b81f192f3a12630a",
    ),
    "cmsi/toolkit/icons_v2/qq_active.ico": (
        "a7a21c5627dbff63927043de6b00325827b1750f8ae79875409c651f3d84e6f7",
    ),
    "cmsi/toolkit/icons_v2/qq_unactive.ico": (
        "c2cde6e5de8880d3927ba08aa65b10d88e586c004eb0a9f4765285eb54263234",
    ),
    "cmsi/toolkit/icons_v2/sms_active.ico": (
        "df483fcd56a1d89c59b46b75d989a3e61479ac7df221c8037a6e9bee504780b7",
    ),
    "cmsi/toolkit/icons_v2/sms_unactive.ico": (
        "b3211ffd3a208c6ee2d89110226821db67e2e7694b4b9847224631dbd55d6f52",
    ),
    "cmsi/toolkit/icons_v2/voice_active.ico": (
        "19328438d372711d9819450e86a209862e0e880f74eda0f629653317805d4085",
    ),
    "cmsi/toolkit/icons_v2/voice_unactive.ico": (
        "67c9399cadfd6d681451d25ce41c39d97d4633baa032563cf88305156385dadd",
    ),
    "cmsi/toolkit/icons_v2/wechat_active.ico": (
        "28629bda585da41b211f1c7c10b8a40a72b5bb1e938e8d0ab80b0d2fa37a2211",
    ),
    "cmsi/toolkit/icons_v2/wechat_unactive.ico": (
        "f97d38364348981b64c94dbb71e3d0e70aacbcfbb664aba7854bfbaf8ef8ddb5",
    ),
    "cmsi/toolkit/icons_v2/wechat_work_active.ico": (
        "246519a8e7e770f8cdeaaa22e9d89a3234e3abd693f1f1604d696470f215ef72",
    ),
    "cmsi/toolkit/icons_v2/wechat_work_unactive.ico": (
        "bae220e1b3ed39b72da4d94a8cadc3380c9434411a33e8c2996140ca4606c6e7",
    ),
    "cmsi/toolkit/send_mail_with_smtp.py": (
        "6964984dba407c4ee9ade68a8527f8cae7047f1ed503440c4ccc79c87e5967a8",
    ),
    "cmsi/toolkit/test_send_mail_with_smtp.py": (
        "45817f48ab7b65ad710fe8e40d83432837ef4a5e0c716d98b14510cf715b6939",
    ),
    "cmsi/toolkit/tools.py": (
        "520cb4ae21a3d1ea5a237cc9af5bb4804db5a0f004531f137ed43468dadb095c",
        "61189aa036fe876411b7bce749eb2e609ad1d8c2b60b78a62ae5c18354191b97",
        "bb88ca2d9ece09be1f5443e8c7e066054811ef9f01dafa0c2156e30682ac354d",
    ),
    "conf.py": (
        "3ab55f1471e83cd8d8d7c0b4fedfd21b6c38fe0c6f5f7ac4b80243e7a2e5bc2a",
        "8a9bfc971d5e0ea455f716d8d9267b5ed4ca94cc388b01f76801c8dd702f5862",
    ),
    "dingbot/__init__.py": (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ),
    "dingbot/send_message.py": (
        "4083c0e1cab4b0dd02facfb0a1ea6bd90a000de5eb8abecc32378b926cf51e01",
        "539ae2d1a539437177dac96a082f9059604293ffcc89ea994433f18d1db987c0",
    ),
    "dingbot/toolkit/__init__.py": (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ),
    "dingbot/toolkit/configs.py": (
        "c78296487fb51fa33cf95422b7c62906c04d96ea23bf44ed0669a4b0e3fd027c",
    ),
    "dingbot/toolkit/tools.py": (
        "1d178a025ae441e3a99463080121fe695f368d8fe8059faa43704d94c1db73f7",
    ),
    "dingtalk/__init__.py": (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ),
    "dingtalk/get_token.py": (
        "d0803f33d5b4899e306dd7f0c39d7ff0c69df338faac6e9cd0c18c2d03314f66",
        "b5ef5cd632e4b5f8c477954bcd5fa686ff7015b6044b68f4e99f5436cc429a8c",
    ),
    "dingtalk/get_userid.py": (
        "5e13e37ca40d32b873d7b7d1a828a9290b0a4f0ad46585ea2da0ec2a98d2de0c",
        "21b3b0dcb6a204a514baf2137e2fd2b302b9f37d976d64b408a4314541d53dd3",
    ),
    "dingtalk/send_message.py": (
        "2736c09b4cb9e54bd1b4674326e0f85413dde59a96eb1acc7fbd6e5fe113c5c0",
        "0f75cf166ac2c2e08d2dff4ca5ba7d3da280055d9a216e71e2426553ed300d81",
        "43c6fc507654c737c5cc5916e5262c25da3ba5ed2d2afb3b4c99acadebc845dd",
    ),
    "dingtalk/send_message_by_userid.py": (
        "fdbb13e55ca845b48ac7f1e840d097d8126ddf84e69483c7a8ae3cb3c9acaafb",
        "27a0ed6ed99cc7015875bf92e11b7e92437d8eed6200830f4c279ef1ccd8bb17",
        "997c7283cb6352b3cde807eec106bac37c50f733b51abbd700ac6db41aeb44f1",
    ),
    "dingtalk/toolkit/__init__.py": (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ),
    "dingtalk/toolkit/configs.py": (
        "223a55d578363624c66eefb0bc7a08ac277ccd831a802c60b1cdcf9cc55c3375",
    ),
    "dingtalk/toolkit/tools.py": (
        "961a7ccb7e839f3c91930698c1efd507e80c07d21deb159b0fab13e91134a5ae",
        "6bc72c0970b0da136f2b7efa179b900351b91d2eea70d4c63b6c5b198652a2a1",
    ),
}
