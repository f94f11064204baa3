"""Judges one case: 0, the right result; 1, the fault is there (tests/cases/judging.py)."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from judging import *

port = serve({"/big": answer("<html>" + "a" * 400_000 + "<footer>Formosa Goods</footer></html>", kind="text/html"),
              "/big5": answer("<html><title>首頁</title></html>".encode("big5"), kind="text/html; charset=Big5"),
              "/utf16": answer("<html>首頁</html>".encode("utf-16"), kind="text/html; charset=utf-16")})
for path, word in (("/big", "Formosa Goods"), ("/big5", "首頁"), ("/utf16", "首頁")):
    config(PORT=port, PATH=path, WORD=word)
    result = check()["store"]
    want(not result["findings"], f"{path} holds “{word}”: no finding (was: {[f['facts']['error'] for f in result['findings']]})")
end()
