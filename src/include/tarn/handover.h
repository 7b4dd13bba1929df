// SPDX-License-Identifier: MIT
//
// Objects that another thread owns from now on.
//
//     Handover<Owned<Packet>> to_worker, back_home;
//
//     owner:   Batch batch;  batch.push_back(make_owned<Packet>(pool, ...));
//              to_worker.send(std::move(batch));
//              while (auto used = back_home.try_receive()) {}    // into the pool, in its thread
//     worker:  while (auto batch = to_worker.try_receive()) {
//                  for (Owned<Packet>& packet : *batch) ...
//                  back_home.send(std::move(*batch));            // the very batch
//              }
//
// So a pool of one thread serves many: what comes from it goes back to it in batches.

#pragma once

#include <atomic>
#include <cstddef>
#include <memory_resource>
#include <optional>
#include <utility>
#include <vector>

#include <tarn/cache_aligned.h>
#include <tarn/owned.h>
#include <tarn/resource.h>

namespace tarn {

/// A queue of any length for batches of objects, from any number of senders to one receiver. What
/// is sent belongs to the queue, what is received to the receiver, and neither of them to the
/// sender any longer: an object is destroyed once, by the thread that has it then, and the end of
/// the queue destroys what nobody received. Batches of one sender arrive in their order.
///
/// Objects that allocated elsewhere keep that memory: let it outlive them, and where it is for one
/// thread only, send them back. An arena moves as a whole:
/// Handover<std::unique_ptr<ArenaResource>>.
///
/// Cost: an exchange for a batch on each side; no lock. Thread safety: send() by any thread;
/// receiving by one thread at a time; the queue is made and ends while nobody uses it.
template <class T> class Handover {
    struct Node {
        explicit Node(std::pmr::memory_resource* resource) : objects(resource) {}

        Node* next = nullptr;
        std::pmr::vector<T> objects;
    };

public:
    /// Objects of one owner; moves with all of them. A batch that was sent, or moved from, is none
    /// any longer: it may be assigned to, or end.
    class Batch {
    public:
        /// `resource` is where the objects lie; it must serve the thread that ends the batch, too.
        /// Errors: std::bad_alloc.
        explicit Batch(std::pmr::memory_resource* resource = nullptr)
            : Batch(*(resource != nullptr ? resource : malloc_resource()))
        {}

        template <class... Arguments> T& emplace_back(Arguments&&... arguments)
        {
            return node_->objects.emplace_back(std::forward<Arguments>(arguments)...);
        }
        void push_back(T object) { emplace_back(std::move(object)); }
        void reserve(std::size_t count) { node_->objects.reserve(count); }
        /// Destroys the objects, and keeps room for as many.
        void clear() noexcept { node_->objects.clear(); }

        std::size_t size() const noexcept { return node_->objects.size(); }
        bool empty() const noexcept { return node_->objects.empty(); }
        T* begin() noexcept { return node_->objects.data(); }
        T* end() noexcept { return begin() + size(); }
        T& operator[](std::size_t index) noexcept { return node_->objects[index]; }

    private:
        friend class Handover;

        explicit Batch(std::pmr::memory_resource& resource)
            : node_(make_owned<Node>(resource, &resource))
        {}
        explicit Batch(Node* node) noexcept
            : node_(node, OwnerDeleter<Node>(*node->objects.get_allocator().resource()))
        {}

        Owned<Node> node_;
    };

    Handover() = default;
    Handover(const Handover&) = delete;
    Handover& operator=(const Handover&) = delete;
    ~Handover()
    {
        while (try_receive()) {
        }
    }

    /// For any thread. Requires: a batch that was not sent. What the sender did before, the
    /// receiver sees. Wakes it if it waits, also by an empty batch.
    void send(Batch&& batch) noexcept
    {
        Node* const node = batch.node_.release();
        Node* newest = sent_->load(std::memory_order_relaxed);
        do
            node->next = newest;
        while (!sent_->compare_exchange_weak(newest, node, std::memory_order_release,
                                             std::memory_order_relaxed));
        if (newest == nullptr) sent_->notify_one(); // it sleeps only if there is nothing
    }

    /// For the receiver: the oldest. Errors: nothing, if there is none.
    [[nodiscard]] std::optional<Batch> try_receive() noexcept
    {
        if (received_ == nullptr) take_all();
        if (received_ == nullptr) return std::nullopt;
        Node* const node = received_;
        received_ = node->next;
        return Batch(node);
    }

    /// For the receiver: sleeps until there is a batch.
    [[nodiscard]] Batch receive() noexcept
    {
        for (;;) {
            if (auto batch = try_receive()) return std::move(*batch);
            sent_->wait(nullptr, std::memory_order_relaxed);
        }
    }

private:
    // The newest is sent first; turned around, they are in order. All are taken at once, so that no
    // node can come back while another one is looked at.
    void take_all() noexcept
    {
        if (sent_->load(std::memory_order_relaxed) == nullptr) return;
        Node* newest = sent_->exchange(nullptr, std::memory_order_acquire);
        while (newest != nullptr) {
            Node* const older = std::exchange(newest->next, received_);
            received_ = std::exchange(newest, older);
        }
    }

    CacheAligned<std::atomic<Node*>> sent_{};
    Node* received_ = nullptr; // in order; on a line without senders, as sent_ has its own
};

} // namespace tarn
