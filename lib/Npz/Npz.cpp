// Archives of arrays through libzip; see Npz.h.
#include "Npz/Npz.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/Twine.h"
#include <zip.h>

using namespace abn::npz;
using llvm::StringRef;
using llvm::Twine;

/// A header of version 2 may be longer; one of an array has a few hundred bytes.
static constexpr uint64_t kMaxHeaderBytes = 1 << 16;
static constexpr uint64_t kChunkBytes = 1 << 20;

namespace {
struct DiscardArchive {
  void operator()(zip_t *archive) const { zip_discard(archive); }
};
struct CloseFile {
  void operator()(zip_file_t *file) const { zip_fclose(file); }
};
struct FreeSource {
  void operator()(zip_source_t *source) const { zip_source_free(source); }
};
using ArchivePtr = std::unique_ptr<zip_t, DiscardArchive>;
using FilePtr = std::unique_ptr<zip_file_t, CloseFile>;
using SourcePtr = std::unique_ptr<zip_source_t, FreeSource>;
} // namespace

struct Reader::Archive {
  ArchivePtr zip;
};

Reader::Reader(std::string path, std::unique_ptr<Archive> archive)
    : path(std::move(path)), archive(std::move(archive)) {}
Reader::Reader(Reader &&) = default;
Reader &Reader::operator=(Reader &&) = default;
Reader::~Reader() = default;

llvm::Expected<Reader> Reader::open(StringRef path) {
  std::string name = path.str();
  int code = 0;
  ArchivePtr zip(zip_open(name.c_str(), ZIP_RDONLY | ZIP_CHECKCONS, &code));
  if (!zip) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    std::string message = zip_error_strerror(&error);
    zip_error_fini(&error);
    return llvm::createStringError("cannot read `" + path +
                                   "` as an archive of arrays (.npz): " + message);
  }
  auto archive = std::make_unique<Archive>();
  archive->zip = std::move(zip);
  return Reader(std::move(name), std::move(archive));
}

bool Reader::contains(StringRef name) const {
  return zip_name_locate(archive->zip.get(), (name + ".npy").str().c_str(), ZIP_FL_ENC_RAW) >= 0;
}

std::vector<std::string> Reader::names() const {
  std::vector<std::string> names;
  for (zip_int64_t i = 0, e = zip_get_num_entries(archive->zip.get(), 0); i < e; ++i) {
    const char *text = zip_get_name(archive->zip.get(), i, ZIP_FL_ENC_RAW);
    StringRef name = text ? text : "";
    if (name.consume_back(".npy"))
      names.push_back(name.str());
  }
  return names;
}

/// Appends up to `count` bytes; less only at the file's end.
static llvm::Error readBytes(zip_file_t *file, uint64_t count, std::string &into) {
  while (count > 0) {
    uint64_t chunk = std::min(count, kChunkBytes);
    size_t old = into.size();
    into.resize(old + chunk);
    zip_int64_t got = zip_fread(file, &into[old], chunk);
    into.resize(old + std::max<zip_int64_t>(got, 0));
    if (got < 0)
      return llvm::createStringError(zip_error_strerror(zip_file_get_error(file)));
    if (got == 0)
      break;
    count -= got;
  }
  return llvm::Error::success();
}

static llvm::Expected<Array> readArray(zip_t *zip, const std::string &member) {
  FilePtr file(zip_fopen(zip, member.c_str(), ZIP_FL_ENC_RAW));
  if (!file)
    return llvm::createStringError(zip_strerror(zip));
  std::string text;
  if (llvm::Error error = readBytes(file.get(), kMaxHeaderBytes, text))
    return std::move(error);
  llvm::Expected<NpyHeader> header = parseNpyHeader(text);
  if (!header)
    return header.takeError();
  text.erase(0, header->dataOffset);
  // One byte more than there should be: the checksum is compared at the end of the file only.
  uint64_t wanted = header->dataBytes + 1;
  if (text.size() < wanted)
    if (llvm::Error error = readBytes(file.get(), wanted - text.size(), text))
      return std::move(error);
  if (text.size() != header->dataBytes)
    return llvm::createStringError(
        "expected " + Twine(header->dataBytes) + " bytes of elements, got " +
        (text.size() < header->dataBytes ? Twine(text.size()) : Twine("more")));
  return makeArray(*header, std::move(text));
}

llvm::Expected<Array> Reader::read(StringRef name) const {
  auto explain = [&](const Twine &why) {
    return llvm::createStringError("`" + path + "`: array `" + name + "`: " + why);
  };
  if (!contains(name))
    return explain("is not in the file");
  llvm::Expected<Array> array = readArray(archive->zip.get(), (name + ".npy").str());
  if (!array)
    return explain(llvm::toString(array.takeError()));
  return array;
}

/// The bytes of a source that an archive was written to.
static llvm::Expected<std::string> takeText(zip_source_t *source) {
  auto failed = [&] {
    return llvm::createStringError(zip_error_strerror(zip_source_error(source)));
  };
  if (zip_source_open(source) < 0)
    return failed();
  llvm::scope_exit close([&] { zip_source_close(source); });
  std::string text;
  while (true) {
    size_t old = text.size();
    text.resize(old + kChunkBytes);
    zip_int64_t got = zip_source_read(source, &text[old], kChunkBytes);
    text.resize(old + std::max<zip_int64_t>(got, 0));
    if (got < 0)
      return failed();
    if (got == 0)
      return text;
  }
}

static llvm::Error addMember(zip_t *zip, const std::string &name, const std::string &text) {
  auto failed = [&] { return llvm::createStringError(zip_strerror(zip)); };
  zip_source_t *source = zip_source_buffer(zip, text.data(), text.size(), /*freep=*/0);
  if (!source)
    return failed();
  zip_int64_t index = zip_file_add(zip, name.c_str(), source, ZIP_FL_ENC_UTF_8);
  if (index < 0) {
    zip_source_free(source);
    return failed();
  }
  // The first of January 1980, where ZIP's time begins: np.savez writes it too.
  if (zip_set_file_compression(zip, index, ZIP_CM_STORE, 0) < 0 ||
      zip_file_set_dostime(zip, index, 0, (1 << 5) | 1, 0) < 0)
    return failed();
  return llvm::Error::success();
}

llvm::Expected<std::string>
abn::npz::printNpz(llvm::ArrayRef<std::pair<std::string, Array>> arrays) {
  zip_error_t error;
  zip_error_init(&error);
  llvm::scope_exit finish([&] { zip_error_fini(&error); });
  SourcePtr source(zip_source_buffer_create(nullptr, 0, 0, &error));
  if (!source)
    return llvm::createStringError(zip_error_strerror(&error));
  ArchivePtr zip(zip_open_from_source(source.get(), ZIP_CREATE | ZIP_TRUNCATE, &error));
  if (!zip)
    return llvm::createStringError(zip_error_strerror(&error));
  // The archive has taken the source; this keeps it beyond the archive's end.
  zip_source_keep(source.get());
  // Read when the archive is closed.
  std::vector<std::string> texts;
  texts.reserve(arrays.size());
  for (const auto &[name, array] : arrays) {
    texts.push_back(printNpy(array));
    if (llvm::Error failure = addMember(zip.get(), name + ".npy", texts.back()))
      return std::move(failure);
  }
  if (zip_close(zip.get()) < 0)
    return llvm::createStringError(zip_strerror(zip.get()));
  (void)zip.release();
  return takeText(source.get());
}
